"""Which Stack Exchange sites lie in a folder: the names of dumps, and the groups the sites belong to."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from curate.rows import SourceError, SourceMissing
from curate.sources.layout import some

# Sites at a domain of their own; every other one is NAME.stackexchange.com.
_OWN_DOMAIN = {
    "askubuntu": "com",
    "mathoverflow": "net",
    "serverfault": "com",
    "stackapps": "com",
    "stackoverflow": "com",
    "superuser": "com",
}
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net)(?![a-z0-9])")
# The big sites have one archive a table: only the posts are read.
_OTHER_TABLE = re.compile(
    r"-(?:badges|comments|posthistory|postlinks|posttags|tagsynonyms|tags|users|votes)\.7z$", re.IGNORECASE
)


def dumps(path: Path) -> dict[str, tuple[Path, ...]]:
    """List the dumps at or under `path` by site, both sorted; raise SourceMissing if there is none.

    A dump is a .7z archive or a Posts.xml, and is named by the site's domain in its own name or its folder's
    (`ai.stackexchange.com.7z`, `stackoverflow.com-Posts.7z`, `ai/Posts.xml`).
    """
    if not path.exists():
        raise SourceMissing(f"{path} is not there; a Stack Exchange dump (.7z) or a folder of dumps would be right")
    by_site: dict[str, list[Path]] = {}
    for file in sorted(_files(path)):
        by_site.setdefault(_site(file), []).append(file)
    if not by_site:
        raise SourceMissing(f"{path} holds no Stack Exchange dump: neither a .7z archive nor a Posts.xml is in it")
    return {site: tuple(by_site[site]) for site in sorted(by_site)}


def groups() -> dict[str, list[str]]:
    """Read the packaged groups of sites, full names by group; a renamed site stands under both its names."""
    listed = dict(_packaged())
    renamed: dict[str, str] = listed.pop("renamed")
    return {group: [*names, *(new for new, old in renamed.items() if old in names)] for group, names in listed.items()}


def names_of(site: str) -> list[str]:
    """List the names that dumps of a site may carry: its own first, then the one before or after it was renamed.

    >>> names_of("ai.stackexchange.com"), names_of("alcohol.stackexchange.com")
    (['ai.stackexchange.com'], ['alcohol.stackexchange.com', 'beer.stackexchange.com'])
    """
    renamed = _packaged()["renamed"]
    return [site, *(name for pair in renamed.items() if site in pair for name in pair if name != site)]


@cache
def _packaged() -> dict[str, Any]:
    text = (importlib.resources.files("curate.recipes") / "stackexchange_sites.yaml").read_text("utf-8")
    listed: dict[str, Any] = yaml.safe_load(text)
    return listed


def in_group(path: Path, available: list[str], group: str) -> list[str]:
    """Take the sites of one group; raise SourceMissing if none of them is there."""
    listed = groups()
    if group not in listed:
        choices = ", ".join(listed)
        raise SourceError(f"sites: there is no group {group}; right would be {choices}, or a list of names")
    members = [site for site in available if site in listed[group]]
    if not members:
        raise SourceMissing(f"{path} holds no dump of a site of the group {group}; there are: {some(available, 20)}")
    return members


def by_name(path: Path, available: list[str], names: list[str]) -> list[str]:
    """Take the sites asked for, by short or full name; raise SourceError for one that is not there."""
    full = {name: full_name(name) for name in names}
    if missing := [name for name, site in full.items() if site not in available]:
        raise SourceError(f"{path} holds no dump of {', '.join(missing)}; there are: {some(available, 20)}")
    return sorted(set(full.values()))


def full_name(name: str) -> str:
    """Complete a site's short name by its domain.

    >>> full_name("ai"), full_name("stackoverflow"), full_name("mathoverflow.net")
    ('ai.stackexchange.com', 'stackoverflow.com', 'mathoverflow.net')
    """
    name = name.strip().lower()
    if _DOMAIN.fullmatch(name):
        return name
    return f"{name}.{_OWN_DOMAIN.get(name.rsplit('.')[-1], 'stackexchange.com')}"


def _files(path: Path) -> Iterator[Path]:
    for file in path.rglob("*") if path.is_dir() else [path]:
        posts = file.suffix.lower() == ".7z" and not _OTHER_TABLE.search(file.name)
        if (posts or file.name.lower() == "posts.xml") and not file.name.startswith(".") and file.is_file():
            yield file


def _site(file: Path) -> str:
    name = (file.absolute().parent.name if file.suffix.lower() == ".xml" else file.stem).lower()
    domain = _DOMAIN.search(name)
    return domain.group() if domain else full_name(name.removesuffix("-posts"))
