"""Public sources, brought to where recipes look for them: `public.yaml` says where each is and under which licence."""

from __future__ import annotations

import importlib.resources
import shutil
import zipfile
from collections.abc import Iterable
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

from curate.download import Web, download, look, read_json
from curate.errors import did_you_mean
from curate.rows import SourceError
from curate.sources.stackexchange.sites import full_name, groups, names_of

_ENDS = (".7z", "-Posts.7z")  # of the largest sites each table is an archive of its own


def fetched(path: Path) -> str:
    """Say which command brings what a recipe looks for at a path, to be put behind a sentence; nothing for others.

    >>> fetched(Path("wikihow/wikihowAll.csv")), fetched(Path("mine/wikihow"))
    ('; `curate fetch wikihow` brings it', '')
    """
    for name, entry in table().items():
        if path.parts[:1] == (entry["folder"],):
            return f"; `curate fetch {name}{' SITE' if 'archive' in entry else ''}` brings it"
    return ""


class Item(NamedTuple):
    """A file of a source, and where it is put."""

    web: Web
    to: Path


def table() -> dict[str, dict[str, Any]]:
    """Read the table of public sources, by name."""
    text = (importlib.resources.files("curate.sources") / "public.yaml").read_text("utf-8")
    listed: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return listed


def about(name: str) -> dict[str, Any]:
    """Look up a public source.

    Raises:
        SourceError: when there is none of this name.
    """
    listed = table()
    if name in listed:
        return listed[name]
    for archive, entry in listed.items():
        if "archive" in entry and full_name(name) in chain(*groups().values()):
            raise SourceError(f"'{name}' is one of several sites: say `curate fetch {archive} {name}`")
    raise SourceError(f"there is no public source '{name}': {did_you_mean(name, listed)}")


def items(name: str, sites: Iterable[str], folder: Path) -> tuple[list[Item], list[str]]:
    """List the files of a source with their places in a data folder, and the sites of a group that have none.

    Only for the list of an archive a server is asked.

    Args:
        name: the source.
        sites: of an archive with a file a site: sites, short or full, or groups of them (`stem`, `other`).
        folder: the data folder; those of the sources are in it.

    Raises:
        SourceError: when there is no such source or site, or a file has to be fetched by hand.
    """
    entry, sites = about(name), list(sites)
    to = folder / entry["folder"]
    if "archive" in entry:
        dumps, missing = _of_sites(name, entry["archive"], sites)
        return [Item(web, to / PurePosixPath(web.url).name) for web in dumps], missing
    if sites:
        raise SourceError(f"'{name}' has no sites: say `curate fetch {name}`")
    files = [_item(to, **file) for file in entry["files"]]
    for item in files:
        if entry.get("by_hand") and not item.to.exists():
            raise SourceError(
                f"no program gets '{name}': open {item.web.url} in a browser, download it, and put it at {item.to}"
            )
    return files, []


def _item(folder: Path, url: str, name: str | None = None, **known: Any) -> Item:
    return Item(Web(url, **known), folder / (name or PurePosixPath(url).name))


def fetch(item: Item) -> bool:
    """Fetch a file that is not here yet; tell whether it was.

    Raises:
        SourceError: as `download` does.
    """
    return download(item.web, item.to)


def size(item: Item) -> int | None:
    """Tell the size of a file in bytes, or ask its server, which may not say it.

    Raises:
        SourceError: as `look` does.
    """
    return item.web.size or look(item.web).size


def unpack(name: str, archive: Path) -> tuple[int, int]:
    """Put those members of a source's .zip beside it that recipes read; count the new ones, and those that were there.

    Nothing that is there is replaced.

    Raises:
        SourceError: when the archive is damaged, or there is no room for what it holds.
    """
    pattern = about(name).get("unpack")
    if pattern is None:
        return 0, 0
    try:
        with zipfile.ZipFile(archive) as packed:
            members = {
                archive.with_name(PurePosixPath(m.filename).name): m for m in packed.infolist() if _fits(m, pattern)
            }
            new = {to: member for to, member in members.items() if not to.exists()}
            need, free = sum(member.file_size for member in new.values()), shutil.disk_usage(archive.parent).free
            if need > free:
                raise SourceError(f"{archive} holds {need:,} bytes, and there is room for {free:,}: make room there")
            for to, member in new.items():
                half = to.with_name(f".{to.name}.part")
                with packed.open(member) as content, half.open("wb") as file:
                    shutil.copyfileobj(content, file)
                half.replace(to)
    except (zipfile.BadZipFile, EOFError) as error:
        raise SourceError(f"{archive} is damaged ({error}): remove it, and run the same command again") from None
    return len(new), len(members) - len(new)


def _fits(member: zipfile.ZipInfo, pattern: str) -> bool:
    return not member.is_dir() and fnmatchcase(member.filename, pattern)


def _of_sites(name: str, archive: dict[str, str], sites: list[str]) -> tuple[list[Web], list[str]]:
    """Find the files of sites in an item of the Internet Archive, with the size and SHA-1 that it says."""
    listed = groups()
    if not sites:
        raise SourceError(f"say which sites: `curate fetch {name} beer ai`, or a group of lima1k's, `stem` or `other`")
    files = _listed(archive)
    named = {full_name(site) for site in sites if site not in listed}
    found: dict[str, Web] = {}
    missing: list[str] = []
    for site in sorted(named.union(*(listed[group] for group in sites if group in listed))):
        match = next((file for each in names_of(site) for end in _ENDS if (file := each + end) in files), None)
        if match:
            found[match] = files[match]
        elif site in named:
            known = [file.removesuffix(".7z").removesuffix("-Posts") for file in files]
            raise SourceError(f"{archive['base']} has no dump of {site}: {did_you_mean(site, known)}")
        else:
            missing.append(site)
    return list(found.values()), missing


def _listed(archive: dict[str, str]) -> dict[str, Web]:
    """Read what an item of the Internet Archive holds, by name."""
    answer = read_json(archive["files"])
    try:
        packed = [file for file in answer["files"] if file["name"].endswith(".7z")]
        return {f["name"]: Web(archive["base"] + f["name"], int(f["size"]), f"sha1:{f['sha1']}") for f in packed}
    except (LookupError, TypeError, ValueError, AttributeError):
        raise SourceError(f"{archive['files']} does not hold a list of files: try again later") from None
