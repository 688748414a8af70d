"""What the site has beside the pages of this folder: a reference made from the code, and pages that stand elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from curate.cli import main
from curate.recipe import registry
from curate.recipe.labels import AS
from curate.recipe.reference import catalog, reference, schema
from curate.recipe.verbs import KINDS, VERBS, Kind

ROOT = Path(__file__).parents[1]
# Pages that people look for elsewhere in the repository: where they stand in the site.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "filters/toxicity/CARD.md": "toxic.md",
}
GROUPS = {
    "filters": (
        "Filters",
        "Each is a function of `curate.filters` and a step of a recipe; what it is says which verbs take it. "
        "How good they are, measured on labelled text: [how good the filters are](../filters.md).",
    ),
    "sources": ("Sources", "What `read:` takes. What is common to all: [what is read](../recipes.md#what-is-read)."),
    "pairs": ("Makers of answers and pairs", "What `answer:` and `pair:` take. How to use them: [pairs](../pairs.md)."),
    "generators": ("Generators", "What `generators:` of a recipe takes: models that write. See [pairs](../pairs.md)."),
    "judges": ("Judges", "What `judges:` of a recipe takes: what grades or compares. See [judging](../judging.md)."),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that this folder does not hold."""
    pages = {uri: (ROOT / file).read_text(encoding="utf-8") for file, uri in ELSEWHERE.items()}
    pages |= {f"reference/{group}.md": _group(group) for group in GROUPS}
    pages |= {"reference/recipes.md": _recipes(), "reference/keys.md": _keys()}
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the options of each command below its section, and let links lead to pages of the site."""
    if page.file.src_uri == "commands.md":
        markdown = re.sub(r"^## curate ([\w-]+).*?(?=^## |\Z)", _with_help, markdown, flags=re.MULTILINE | re.DOTALL)
    markdown = re.sub(r"`curate list (\w+)`", r"[\g<0>](reference/\1.md)", markdown)
    return re.sub(r"\]\((?:\.\./)?([\w./-]+\.(?:md|yaml))(?=[#)])", _link, markdown)


def _link(match: re.Match[str]) -> str:
    path = match[1]
    if path.endswith(".yaml"):
        name = path.removeprefix("recipes/").removesuffix(".yaml")
        return f"](reference/recipes.md#{name.replace('/', '')}"
    return f"]({ELSEWHERE[path]}" if path in ELSEWHERE else match[0].replace("](docs/", "](")


def _with_help(section: re.Match[str]) -> str:
    context = click.Context(main, info_name="curate", terminal_width=100)
    texts = "\n\n".join(_help(main.commands[section[1]], section[1], context))
    block = "\n".join(f"    {line}".rstrip() for line in f"```text\n{texts}\n```".splitlines())
    return f'{section[0].rstrip()}\n\n??? note "All options"\n\n{block}\n\n'


def _help(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield command.get_help(context)
    for name, part in getattr(command, "commands", {}).items():
        yield from _help(part, name, context)


def _group(group: str) -> str:
    """Write the page of a group: a list by kind, then a section each."""
    title, about = GROUPS[group]
    rows = [row for row in catalog(group) if row["is"] != "plug-in"]
    lists = []
    for kind in dict.fromkeys(KINDS[row["is"]] for row in rows):
        items = [
            f"- [`{row['name']}`](#{row['name']}): {_plain(row['does'])}" for row in rows if row["is"] == kind.name
        ]
        lists.append("\n".join([f"**{_about(kind).capitalize()}**\n", *items]))
    return "\n\n".join([f"# {title}", about, *lists, *(_function(group, row["name"]) for row in rows)])


def _about(kind: Kind) -> str:
    return f"{kind.noun}, for {' or '.join(f'`{verb}`' for verb in kind.verbs)}" if kind.verbs else kind.noun


def _function(group: str, name: str) -> str:
    """Write a section: what the function is, its signature with a line for each parameter, its docstring."""
    head, _, text = reference(group, name).partition("\n\n")
    signature, _, marks = head.rpartition("   [")
    kind, _, costly = marks.rstrip("]").partition(", ")
    about = ", ".join(filter(None, [_about(KINDS[kind]), costly]))
    signature = re.sub(r"(?<=\w)\((?=[\w*])(.+)\)$", r"(\n    \1,\n)", signature, count=1)
    signature = re.sub(r", (?=\w+:|\*)", ",\n    ", signature)
    words = {key: _holds(value) for key, value in _parameters(group, name).items()}
    choices = [f"`{key}` is one of {each}." for key, each in words.items() if each.startswith("`")]
    parts = [f"## {name}", f"*{about}*", f"```python\n{signature}\n```", *choices, _docstring(text)]
    return "\n\n".join(parts)


def _parameters(group: str, name: str) -> dict[str, Any]:
    parameters: dict[str, Any] = registry.parameters(registry.find(group, name)).model_json_schema()["properties"]
    return parameters


def _docstring(text: str) -> str:
    """Turn a docstring into Markdown: sections become lists, examples blocks of code."""
    text, _, example = text.partition("\n>>> ")
    text = re.sub(r"^(Args|Raises):\n", r"**\1**\n\n", _plain(text), flags=re.MULTILINE)
    text = re.sub(r"^ {4}(\*?\w+): ", r"- `\1`: ", text, flags=re.MULTILINE)
    example = re.sub(r"  # doctest: .*", "", example)
    return f"{text.rstrip()}\n\n```pycon\n>>> {example.rstrip()}\n```" if example else text


def _plain(text: str) -> str:
    """Write what HTML would take for a tag as text; code stays as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


def _recipes() -> str:
    rows = catalog("recipes")
    about = "Installed with the library: `curate run NAME.yaml` runs one, `extends: NAME.yaml` changes one."
    items = [f"- [`{row['name']}`](#{row['name'].replace('/', '')}): {_plain(row['does'])}" for row in rows]
    texts = [f"## {row['name']}\n\n```yaml\n{reference('recipes', row['name'])}\n```" for row in rows]
    return "\n\n".join(["# Packaged recipes", about, "\n".join(items), *texts])


def _keys() -> str:
    top = schema()
    parts = {
        "Of the recipe": top["properties"],
        "Of a source": top["$defs"]["source"]["properties"],
        "Of `output`": top["properties"]["output"]["properties"],
        "Of a step": {verb: {"description": f"{kind.noun.capitalize()}, by its name."} for verb, kind in VERBS.items()}
        | {AS: {"type": "string", "description": "A label in place of the filter's name."}},
    }
    about = "`curate schema` prints them for editors. How they work together: [recipes](../recipes.md)."
    return "\n\n".join(["# Recipe keys", about, *(f"## {title}\n\n{_list(keys)}" for title, keys in parts.items())])


def _list(keys: dict[str, Any]) -> str:
    lines = []
    for key, value in keys.items():
        default = json.dumps(value.get("default"))
        missing = "" if default in ("null", "[]", "{}") else f"; `{default}` when left out"
        lines.append(f"- `{key}` ({_holds(value)}{missing}): {value['description']}")
    return "\n".join(lines)


def _holds(value: dict[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_holds(each) for each in value["anyOf"] if each.get("type") != "null"))
    words = {
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "array": "a list",
    }
    return words.get(value.get("type", ""), "a mapping")
