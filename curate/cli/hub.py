"""The commands `push` and `fetch`: a set goes to a hub, public sources come from where they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from curate.cli import options
from curate.cli.echo import echo, echo_json, size_of
from curate.cli.options import FOLDER, PATH

if TYPE_CHECKING:
    from curate.sources.public import Item


@click.command()
@click.argument("out", type=PATH)
@click.argument("repo")
@click.option("--public", is_flag=True, help="Make the data set one that everybody can read.")
@click.option("--dry-run", is_flag=True, help="Only list files and sizes; nobody is asked.")
@options.as_json
def push(out: Path, repo: str, public: bool, dry_run: bool, as_json: bool) -> None:
    """Put the set of OUT on the Hugging Face hub as the data set REPO (ORG/NAME), private unless --public is said.

    What goes there: the set in its formats, held-out prompts, the ledger, the card, the manifest with the recipe. The
    texts of other rows stay here. The token is HF_TOKEN or that of `hf auth login`, the hub HF_ENDPOINT.
    """
    from curate.run import push as library

    library.check_name(repo)
    files = library.files(out)
    result = None if dry_run else library.push(out, repo, public=public)
    if as_json:
        return echo_json({"files": files, **(result or {})})
    for name, count in files.items():
        echo(f"{name:32} {size_of(count):>10}")
    total = f"{len(files)} files, {size_of(sum(files.values()))}"
    if result is None:
        echo(f"{total} would go to {repo}. Nothing was sent.")
        return None
    for note in result["notes"]:
        echo(note, fg="yellow")
    state = "is as it was" if result["same"] else f"has {total}"
    echo(f"{result['url']} ({'private' if result['private'] else 'public'}) {state}: commit {result['commit'][:12]}.")
    return None


@click.command()
@click.argument("name", required=False)
@click.argument("sites", nargs=-1, metavar="[SITE]...")
@click.option("--to", type=FOLDER, help="The data folder.  [default: $CURATE_DATA, or data]")
@click.option("--dry-run", is_flag=True, help="Only list files, sizes and places; no file is fetched.")
@options.as_json
def fetch(name: str | None, sites: tuple[str, ...], to: Path | None, dry_run: bool, as_json: bool) -> None:
    """Fetch a public source to where recipes look for it; without a NAME, list those there are.

    Of stackexchange name the sites (`beer`, `ai.stackexchange.com`), or a group of lima1k's (`stem`, `other`). A fetch
    that broke off goes on where it was. Sizes and checksums are compared where they are known.
    """
    from curate.rows import data_folder
    from curate.sources import public

    if name is None:
        return _list(as_json)
    entry = public.about(name)
    echo(f"{entry['what']}\nlicence: {entry['license']}\nfrom {entry['page']}", err=as_json)
    items, missing = public.items(name, sites, to or data_folder())
    if missing:
        echo(f"No dump there of {', '.join(missing)}.", err=as_json, fg="yellow")
    lines: list[dict[str, Any]] = []
    for item in items:
        lines.append({"url": item.web.url, "to": str(item.to), "checksum": item.web.checksum})
        lines[-1] |= _look(item) if dry_run else _fetch(name, item)
        if not as_json:
            echo(_line(lines[-1]))
    if as_json:
        return echo_json(lines)
    if dry_run:
        known = [line["bytes"] for line in lines if line["state"] == "missing" and line["bytes"]]
        echo(f"{size_of(sum(known))} to fetch, as far as sizes are known. Nothing was fetched.")
    return None


def _fetch(name: str, item: Item) -> dict[str, Any]:
    from curate.sources import public

    state = "fetched" if public.fetch(item) else "there"
    new, old = public.unpack(name, item.to)
    unpacked = {"unpacked": new, "unpacked_before": old} if new or old else {}
    return {"state": state, "bytes": item.to.stat().st_size, **unpacked}


def _look(item: Item) -> dict[str, Any]:
    from curate.rows import SourceError
    from curate.sources import public

    if item.to.exists():
        return {"state": "there", "bytes": item.to.stat().st_size}
    try:
        return {"state": "missing", "bytes": public.size(item)}
    except SourceError as error:
        return {"state": "missing", "bytes": None, "note": str(error)}


def _list(as_json: bool) -> None:
    from curate.sources import public

    table = public.table()
    if as_json:
        return echo_json(table)
    for name, entry in table.items():
        echo(name, fg="cyan")
        echo(f"  {entry['what']}\n  licence: {entry['license']}\n  {entry['page']}, goes to {entry['folder']}/")
    return None


def _line(line: dict[str, Any]) -> str:
    """Say of one file where it is, how large, what it was compared with, and what is not known."""
    size = "size unknown" if line["bytes"] is None else size_of(line["bytes"])
    checked = line["checksum"].partition(":")[0] if line["checksum"] else "nobody publishes a checksum"
    text = f"{line['state']:8} {size:>12}  {line['to']}  ({checked})"
    if line.get("unpacked") is not None:
        text += f"\n  beside it {line['unpacked']:,} files unpacked, {line['unpacked_before']:,} there before"
    return text + (f"\n  {line['note']}" if "note" in line else "")


commands = (push, fetch)
