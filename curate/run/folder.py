"""A finished output folder: opened, asked why a row is in or out, compared with another, written in other formats."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from curate.errors import UserError
from curate.folders import claim, clear, put, put_alone, written
from curate.folders import read as log
from curate.report.formats import FORMATS, to_jsonl
from curate.report.front import configs
from curate.rows import scan
from curate.run import ledger as ledgers
from curate.run.state import MANIFEST
from curate.turns import OPTIONAL

# What a reader looks at of a row.
COLUMNS = ("domain", "system", "history", "prompt", "response", "chosen", "rejected", *OPTIONAL)


class OutputError(UserError):
    """Say what is wrong with an output folder."""


def open_out(out: Path) -> tuple[dict[str, Any], pl.LazyFrame]:
    """Open a finished output folder: its manifest and its ledger."""
    with as_written(out):
        manifest: dict[str, Any] = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return manifest, ledgers.read(out / "ledger.parquet")


@contextmanager
def as_written(out: Path, by: str = "run") -> Iterator[None]:
    """Read a folder; raise OutputError, one sentence, where it does not hold what the command `by` writes there.

    It may be a stranger's: what its files hold is no more to be relied on than any other input.
    """
    for file in out.iterdir() if out.is_dir() else ():
        if file.exists() and not (file.is_file() or file.is_dir()):  # reading a pipe would wait for ever
            raise OutputError(f"{file} is no ordinary file, which `curate {by}` does not write")
    try:
        yield
    except FileNotFoundError:
        hint = "there is no such folder"
        if out.is_dir():
            begun = log(out) is not None or any(out.glob("*.parquet"))
            hint = "the run that writes it did not end; run it again" if begun else f"`curate {by}` wrote nothing there"
        raise OutputError(f"{out} is not a finished output folder: {hint}") from None
    except UserError:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, StopIteration,
            pl.exceptions.PolarsError) as error:  # fmt: skip
        first = str(error).strip().partition("\n")[0][:200]
        raise OutputError(
            f"{out} does not hold what `curate {by}` writes there ({type(error).__name__}: {first}): it is damaged, or "
            "was written by something else"
        ) from None


def some_rows(out: Path, n: int, *, drawn: bool = False) -> list[dict[str, Any]]:
    """Take the first rows of a finished set, or those `drawn` by their ids; the columns that a reader looks at."""
    open_out(out)
    rows = scan(out / "train.parquet")
    few = (rows.bottom_k(n, by="id").sort("id") if drawn else rows.head(n)).collect()
    return few.select(c for c in ("id", "source", *COLUMNS) if c in few.columns).to_dicts()


def why(out: Path, row: str) -> dict[str, Any]:
    """Tell one row's way: at each of its steps the verdict, what was measured, the parameters and the evidence."""
    manifest, ledger = open_out(out)
    with as_written(out):
        try:
            line = ledgers.find(ledger, row)
        except LookupError as error:
            raise OutputError(f"{out}: {error}") from None
    evidence = {piece["step"]: _words(piece) for piece in line["detail"] or ()}
    steps = [*manifest["steps"].get(line["source"], []), *manifest["steps"]["all"]]
    if line.get(ledgers.OVERRIDES) is not None:
        at = ledgers.leading(manifest["steps"].get(line["source"], []))
        steps.insert(at, {"verb": "drop", "filter": ledgers.OVERRIDES, "label": ledgers.OVERRIDES, "params": {}})
    steps += [
        {"verb": "drop", "filter": n, "label": n, "params": {}}
        for n in ledgers.BEFORE_BUDGET
        if line.get(n) is not None
    ]
    steps.append({"verb": "select", "filter": "sample", "label": "sample", "params": _share(manifest, line["source"])})
    return {
        **{name: line[name] for name in ("id", "source", "domain", "kept", "dropped_by")},
        "steps": [_way(step, line, evidence) for step in steps],
        "also": evidence.get(ledgers.REPEATED),
    }


def _words(evidence: dict[str, Any]) -> str:
    words = " ".join(" ".join(filter(None, [evidence["reason"], evidence["span"]])).split())
    return words if evidence["turn"] is None else f"turn {evidence['turn']}: {words}".rstrip(": ")


def _share(manifest: dict[str, Any], source: str) -> dict[str, Any]:
    row = next(row for row in manifest["table"] if row["source"] == source)
    return {name: row[name] for name in ("asked", "available", "taken")}


def _way(step: dict[str, Any], line: dict[str, Any], evidence: dict[str, str]) -> dict[str, Any]:
    label = step["label"]
    verdict = line.get(label)
    outcome = {True: "passed", False: "failed", None: "not asked"}[verdict if isinstance(verdict, bool) else None]
    if verdict is True and label in evidence and label != ledgers.OVERRIDES:
        outcome = "accepted"
    if step["verb"] in {"edit", "score"}:
        outcome = step["verb"]
    measured = {k.partition(".")[2]: v for k, v in line.items() if k.startswith(f"{label}.") and v is not None}
    if step["verb"] == "score" and verdict is not None:
        measured = {"score": verdict, **measured}
    reason = measured.pop("why", None)  # of a score of the pool
    return {**step, "outcome": outcome, "measured": measured, "evidence": evidence.get(label, reason)}


def diff(before: Path, after: Path) -> pl.DataFrame:
    """List the rows gained and lost between two output folders, and the step that decides each.

    Steps are the same by verb, filter and parameters. Where the label stands for another step in the other
    folder, or the step has another label there, `note` says so.
    """
    (was, old), (now, new) = open_out(before), open_out(after)
    with as_written(after):
        rows = ledgers.diff(old, new)
    earlier, later = _steps_of(was), _steps_of(now)
    notes = []
    for row in rows.iter_rows(named=True):
        mine, others = (later, earlier) if row["change"] == "lost" else (earlier, later)
        notes.append(_note(row["step"], mine.get(row["source"], {}), others.get(row["source"], {})))
    return rows.with_columns(pl.Series("note", notes, dtype=pl.String))


def _steps_of(manifest: dict[str, Any]) -> dict[str, dict[str, str]]:
    """List by source what the label of each step that its rows meet stands for."""
    steps = manifest["steps"]
    return {
        name: {
            step["label"]: json.dumps([step[k] for k in ("verb", "filter", "params")], sort_keys=True) for step in own
        }
        for name, own in ((name, [*own, *steps["all"]]) for name, own in steps.items())
    }


def _note(label: str | None, mine: dict[str, str], others: dict[str, str]) -> str | None:
    """Say where a label stands for another step in the other folder, or the step has another label there."""
    if label is None or label not in mine:
        return None
    if label in others and others[label] != mine[label]:
        return f"'{label}' is another step in the other folder"
    same = [other for other, what in others.items() if what == mine[label]]
    return f"called '{same[0]}' in the other folder" if same and label not in same else None


def export(out: Path, format_: str, to: Path | None) -> Path:
    """Write a finished set in another format: JSON lines of `FORMATS`, or a folder for `datasets.load_from_disk`."""
    manifest, _ = open_out(out)
    if format_ == "dataset":
        return _save_to_disk(out, to or out / "dataset", manifest["formats"][0])
    try:
        text = to_jsonl(pl.read_parquet(out / "train.parquet"), format_)
    except ValueError as error:
        raise OutputError(f"{out}: {error}") from None
    return put_alone(to or out / f"train.{format_}.jsonl", text, by="export", option="--to")


EXPORTS = (*FORMATS, "dataset")


def _save_to_disk(out: Path, to: Path, format_: str) -> Path:
    try:
        import datasets
    except ModuleNotFoundError:
        raise OutputError("the format 'dataset' needs the package datasets: pip install 'curate-lm[hf]'") from None
    claim(to, "export", written(to, "export"), option="--to")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "dataset"
        # Beside a card of its own: that of the folder may be a stranger's, and lead anywhere.
        card = f"---\n{yaml.safe_dump(configs(scan(out / 'train.parquet'), [format_]))}---\n"
        (Path(folder) / "README.md").write_text(card, encoding="utf-8")
        shutil.copy(out / f"train.{format_}.parquet", folder)
        set_ = datasets.load_dataset(folder, split="train", cache_dir=folder)
        set_.save_to_disk(str(scratch))
        files = sorted(scratch.iterdir())
        for file in files:
            put(to, "export", file.name, partial(shutil.copyfile, file))
    clear(to, "export", written(to, "export") - {file.name for file in files})
    return to
