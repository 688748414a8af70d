"""A finished set on the Hugging Face hub: what goes there, and in words what the hub refuses."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curate.cache import key_of
from curate.download import lost, quiet, status_of
from curate.errors import UserError, cut
from curate.models.settings import mask
from curate.remote import WAITS
from curate.rows import hash_file
from curate.run.folder import OutputError, open_out
from curate.run.state import MANIFEST

log = logging.getLogger("curate.push")
# What a set is made of, by the beginnings of the names; the texts of dropped rows, and what shows them, stay here.
_PARTS = {"train", "dev", "test_prompts", "ledger"}
_CARD = "README.md"


class HubError(UserError):
    """Say in one sentence why a hub did not take a set, and how to go on."""


def files(out: Path) -> dict[str, int]:
    """List the files of a finished folder that go to a hub, with their sizes in bytes.

    Raises:
        OutputError: when a file is missing, or is not what the run wrote.
    """
    manifest, _ = open_out(out)
    names = [name for name in manifest["outputs"] if name.partition(".")[0] in _PARTS]
    for name in names:
        if not (out / name).is_file() or hash_file(out / name) != manifest["outputs"][name]:
            raise OutputError(f"{out / name} is not the file that the run wrote: run the recipe again, then push")
    return {name: (out / name).stat().st_size for name in [*sorted(names), _CARD, MANIFEST]}


def check_name(repo: str) -> None:
    """Check the name of a data set by the hub's rules.

    Raises:
        HubError: when it is none.
    """
    with _in_words(repo):
        from huggingface_hub.utils import validate_repo_id

        validate_repo_id(repo)


def push(out: Path, repo: str, *, public: bool = False) -> dict[str, Any]:
    """Put a finished set on the hub, in one commit: all of its files or none.

    The files of an interrupted try that are there already are not sent again, nor is what did not change.

    Args:
        out: the folder.
        repo: the data set, `ORG/NAME`; a name alone is one of the token's owner. It is made where it is not there.
        public: whether everybody may read it; only a set that is made here becomes private or public.

    Returns:
        `url`, `commit`, whether it is `private`, whether all was the `same` before, and `notes` of the hub on the card.

    Raises:
        OutputError: as `files` does.
        HubError: when the name or the card is not right, the data set there is somebody's own or public, or the hub
            does not answer or refuses.
    """
    names = files(out)
    check_name(repo)
    manifest, _ = open_out(out)
    with _in_words(repo), warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        from huggingface_hub import DatasetCard, HfApi, constants, get_token

        if get_token() is None:
            raise HubError(
                f"there is no token for the hub: make one that may write, at {constants.ENDPOINT}/settings/tokens, and "
                "set it as HF_TOKEN or give it to `hf auth login`"
            )
        try:
            DatasetCard((out / _CARD).read_text(encoding="utf-8")).validate()
        except ValueError as error:
            raise HubError(f"the hub does not take the card, {out / _CARD}: {_complaints(error)}") from None
        api = HfApi(library_name="curate")
        repo = api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True).repo_id
        there = api.dataset_info(repo)
        _check_theirs(repo, there, public)
        commit = _commit(api, repo, {name: out / name for name in names}, _message(manifest))
    return {
        "url": f"{api.endpoint}/datasets/{repo}",
        "commit": commit,
        "private": bool(there.private),
        "same": commit == there.sha,
        "notes": list(dict.fromkeys(str(note.message) for note in notes if note.category is UserWarning)),
    }


def _complaints(error: ValueError) -> str:
    """Take what the hub says against a card out of its answer, which is JSON, or say the error as it is."""
    try:
        return "; ".join(complaint["message"] for complaint in json.loads(str(error))["errors"])
    except (ValueError, LookupError, TypeError):
        return " ".join(str(error).split())[:200]


def _check_theirs(repo: str, there: Any, public: bool) -> None:
    """Refuse a data set that holds files which are not of a set of ours, or that everybody reads unasked."""
    names = {file.rfilename for file in there.siblings or ()} - {".gitattributes"}
    if names and MANIFEST not in names:
        some = ", ".join(map(cut, sorted(names)[:2]))
        raise HubError(f"{repo} holds files that curate did not put there ({some}): choose another name")
    if there.private is False and not public:
        raise HubError(
            f"{repo} is there, and everybody can read it: say --public if that is meant, or choose another name"
        )


def _message(manifest: dict[str, Any]) -> str:
    rows = sum(row["taken"] for row in manifest["table"])
    recipe, data = key_of(manifest["recipe"])[:12], manifest["outputs"]["train.parquet"][:12]
    return f"{manifest['name']}: {rows:,} rows (recipe {recipe}, train.parquet {data})"


def _commit(api: Any, repo: str, paths: dict[str, Path], message: str) -> str:
    """Make the commit, and give its hash; it is tried again where the connection breaks off.

    The library tries uploads again by itself, but the commit only once. A second one changes nothing.
    """
    from huggingface_hub import CommitOperationAdd

    for tries in range(len(WAITS) + 1):
        adds = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=path) for name, path in paths.items()]
        try:
            info = api.create_commit(repo, adds, commit_message=message, repo_type="dataset")
            return str(info.oid)
        except Exception as error:
            if tries == len(WAITS) or not lost(_cause(error)):
                raise
            log.info("the commit to %s is tried again (%s)", repo, type(error).__name__)
            time.sleep(WAITS[tries])
    raise AssertionError


def _cause(error: BaseException) -> BaseException:
    """Find what went wrong below the library's word that an upload did."""
    while type(error) is RuntimeError and error.__cause__:
        error = error.__cause__
    return error


@contextmanager
def _in_words(repo: str) -> Iterator[None]:
    """Say in one sentence what the library raises."""
    try:
        with quiet():
            yield
    except ImportError:
        raise HubError("the hub needs a package that is not installed: pip install 'curate-lm[hub]'") from None
    except UserError:
        raise
    except Exception as error:
        raise HubError(_sentence(_cause(error), repo)) from None


def _sentence(error: BaseException, repo: str) -> str:
    kind, status = type(error).__name__, status_of(error)
    line = mask(" ".join(str(getattr(error, "server_message", None) or error).split()))[:200]
    if kind == "HFValidationError":
        return f"'{cut(repo)}' is no name of a data set: ORG/NAME is right, of letters, digits, '-', '_' and '.'"
    if kind == "OfflineModeIsEnabled":
        return "HF_HUB_OFFLINE is set, which forbids to ask the hub: unset it to push"
    if status == 401:
        return "the hub does not know the token here: make a new one, and set it as HF_TOKEN"
    if status in {403, 404}:
        return f"the token here gives no right to write to {repo}, or there is no such owner: {line}"
    if status and status < 500 and status != 429:
        return f"the hub refuses {repo}: {line}"
    what = f"the hub answers {status}" if status else f"the connection to the hub broke off ({kind}: {line})"
    return f"{what}: {repo} is as it was before, what was sent is kept there for a while, and the same command goes on"
