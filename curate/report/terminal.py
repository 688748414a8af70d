"""What a person sees on the screen: progress while a run goes on, tables when it ends."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby, islice
from threading import Event, Thread
from time import monotonic
from typing import Any

import polars as pl
from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from curate.errors import ACTS, visible
from curate.models.generators.generator import Progress as Answers
from curate.pairs.shortcuts import rows_of
from curate.recipe.plan import Recipe
from curate.report.row import evidence_of, head_of, texts_of
from curate.report.steps import decisions, held_out, unseen_turns
from curate.report.words import plural
from curate.run.examples import marks

_NOTEBOOK = "ipykernel" in sys.modules


class _Console(Console):
    """A console on which no text acts: names and texts of the data are no markup, "[/b]" in a domain is what it is.

    In a notebook, which says that it is a terminal, it is a plain one: a `<pre>` knows no colours.
    """

    def __init__(self, **options: Any) -> None:
        options = {"force_jupyter": False, "force_terminal": False if _NOTEBOOK else None, **options}
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text) if ACTS.search(text) else text, **options)

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        return super().render(_visible(renderable) if isinstance(renderable, Text) else renderable, options)


def _visible(text: Text) -> Text:
    """Escape a text whose parts have styles of their own, which they keep."""
    if not ACTS.search(text.plain):
        return text
    whole = text.blank_copy()
    for i, character in enumerate(text.plain):
        part = text[i]
        part.plain = visible(character)
        whole.append_text(part)
    return whole


# A log, a pipe or a notebook has no width of its own: wide enough that no name is cut.
console = _Console(width=None if sys.stdout.isatty() and not _NOTEBOOK else 110)
errors = _Console(stderr=True)
_WAYS = 12  # what would mend a shortfall: no more than a screen holds
_EVERY = 60  # seconds between two lines of progress, where there is no terminal
_PERIOD = 600  # seconds that a bar's pace is taken from: an answer of a model may take minutes
_LONGEST = 3  # stages whose seconds the screen names
_REASONS = 3  # the most frequent ones that the screen names
_COLUMNS = 12  # of a file that the screen names
_SHARE = ("asked", "available", "taken")


@contextmanager
def progress(whole: Callable[[], str] | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar for what goes on, below what `whole` says of all there is to do; off a terminal, a line a minute."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    how: dict[str, Any] = {"auto_refresh": False, "speed_estimate_period": _PERIOD, "get_time": monotonic}
    bars = Progress(*columns, console=errors, **how)
    tasks: dict[str, Any] = {}
    done: Counter[str] = Counter()
    tokens_of: Counter[str] = Counter()
    shown: Any = None

    def tell(what: str, rows: int, *, total: int | None = None, tokens: int = 0) -> None:
        nonlocal shown
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total, count="", rate="")
        if shown is not None:
            bars.update(shown, visible=False)
        shown = tasks[what]
        done[what] += rows
        more: dict[str, Any] = {"total": total} if total else {}  # which may grow
        if done[what]:
            more["count"] = f"{done[what]:,} of {total:,}" if total else f"{done[what]:,} rows"
        if tokens:
            tokens_of[what] += tokens
            seconds = max(bars.tasks[shown].elapsed or 0, 1e-3)
            more["rate"] = f"{tokens_of[what] / seconds:,.0f} tokens/s"
        bars.update(shown, advance=rows, visible=True, **more)

    def screen() -> Group:
        line = [Text(whole(), no_wrap=True, overflow="ellipsis")] if whole else []
        return Group(*line, bars)

    with _shown(screen, lambda: _line_of(whole, bars.tasks)):
        yield tell


@contextmanager
def _shown(screen: Callable[[], Group], line: Callable[[], str]) -> Iterator[None]:
    """Keep a screen before the eyes of a person as long as this lasts; print a line a minute where nobody looks."""
    if console.quiet:
        yield
        return
    if errors.is_terminal:
        with Live(get_renderable=screen, console=errors, transient=True):
            yield
        return
    end = Event()

    def print_lines() -> None:
        while not end.wait(_EVERY):
            errors.print(line(), soft_wrap=True)

    thread = Thread(target=print_lines, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _line_of(whole: Callable[[], str] | None, tasks: list[Task]) -> str:
    """Say in a line how much is done of all, and of what goes on."""
    lines = [whole()] if whole else []
    if task := next((task for task in tasks if task.visible and task.fields["count"]), None):
        lines.append(f"{task.description}: {task.fields['count']}")
        if task.time_remaining:
            lines[-1] += f", some {timedelta(seconds=round(task.time_remaining))} left"
    return "; ".join(lines)


@contextmanager
def progress_of_answers() -> Iterator[Answers]:
    """Show progress as generators and judges tell it."""
    with progress() as tell:
        yield lambda name, done, asked, tokens: tell(name, done, total=asked, tokens=tokens)


def _table(title: str, left: Iterable[str], right: Iterable[str] = ()) -> Table:
    """Begin a table: columns of text, and columns of numbers to their right."""
    return Table(*left, *(Column(name, justify="right") for name in right), title=title or None, title_justify="left")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _line(text: str, style: str | None = None) -> None:
    console.print(text, style=style, soft_wrap=True)


def show_run(manifest: dict[str, Any], out: str) -> None:
    """Print the funnel, Table 1, and in the last lines what the set is made of."""
    show_funnel(manifest["funnel"])
    show_quotas(manifest["quotas"])
    show_table(manifest["table"], manifest["absent"])
    for label, notes in manifest["notes"].items():
        _line(f"{label}: " + ", ".join(f"{name} {value:g}" for name, value in notes.items()))
    if manifest.get("dev"):
        _line(held_out(manifest["dev"]))
    if manifest.get("diversity"):
        show_diversity(manifest["diversity"]["metrics"])
    if manifest.get("shortcuts"):
        show_shortcuts(manifest["shortcuts"])
    for line in notices(manifest):
        (errors if console.quiet else console).print(line, style="yellow", soft_wrap=True)
    stages = manifest["stages"]
    taken = sum(row["taken"] for row in manifest["table"])
    longest = Counter({name: n for name, n in manifest["seconds"].items() if n >= 1}).most_common(_LONGEST)
    seconds = f"{sum(manifest['seconds'].values()):.1f} s" + ": " * bool(longest)
    seconds += ", ".join(f"{name} {n:.1f} s" for name, n in longest)
    counts = f"{len(stages['built'])} run, {len(stages['reused'])} reused"
    _line(f"{plural(taken, 'row')} in {out}  (stages: {counts}; {seconds})", "bold")


def show_rows(rows: list[dict[str, Any]], notes: Iterable[str] = ()) -> None:
    """Print rows one under the other, each text under its name; a row and the one it says the same as side by side."""
    for row in rows:
        if (twin := row.get("twin")) is None:
            console.print(_row(row))
        else:
            both = Table.grid(padding=(0, 2), expand=True)
            both.add_column(ratio=1)
            both.add_column(ratio=1)
            both.add_row(_row(row), _row(twin))
            console.print(both)
    if not rows:
        _line("No row.")
    for note in notes:
        _line(f"{note}.", "yellow")


def _row(row: dict[str, Any]) -> Group:
    """Lay out a row: what it is, what the ledger says of it, its texts with the evidence marked."""
    lines: list[Any] = [Text(visible(head_of(row)), style="bold")]
    lines += [Text(visible(line), style="red") for line in evidence_of(row)]
    for name, text in texts_of(row):
        lines += [Text(name, style="dim"), Padding(_marked(text, row.get("spans", ())), (0, 0, 1, 2))]
    return Group(*lines)


def _marked(text: str, spans: Iterable[str]) -> Text:
    """Mark what is evidence in a text: by colour on a terminal, else by signs."""
    plain = not console.is_terminal
    whole = Text()
    for piece, evidence in marks(text, spans):
        whole.append(f"»{piece}«" if evidence and plain else piece, "black on yellow" if evidence else None)
    return whole


def show_shortcuts(result: Any) -> None:
    """Print what one-line rules alone would get right of a preference set, and what that means."""
    numbers = ("right", "95 % interval", "chosen", "rejected", "ties")
    table = _table("Shortcuts", ("rule", "direction"), numbers)
    for row in rows_of(result):
        table.add_row(*row)
    console.print(table)
    for line in result["verdict"]:
        _line(line)


def show_funnel(funnel: list[dict[str, Any]]) -> None:
    """Print how many rows each step was asked about, and how many it removed."""
    table = _table("Funnel", ("source", "step"), ("asked", "fails", "dropped here", "only by this"))
    for source, rows in groupby(funnel, key=lambda row: row["source"]):
        for i, row in enumerate(rows):
            table.add_row(
                "" if i else source, row["step"], *(f"{row[k]:,}" for k in ("asked", "fails", "first", "alone"))
            )
    console.print(table)


def show_quotas(quotas: list[dict[str, Any]], most: int = 8) -> None:
    """Print what the largest domains of each sampled source were asked for and gave, the others summed."""
    table = _table("Quotas", ("source", "domain"), _SHARE)
    for source in dict.fromkeys(row["source"] for row in quotas):
        rows = sorted((r for r in quotas if r["source"] == source), key=lambda r: (-r["asked"], r["domain"]))
        rest = rows[most:]
        more = [{"domain": f"{len(rest)} more", **{k: sum(r[k] for r in rest) for k in _SHARE}}] if rest else []
        for i, row in enumerate([*rows[:most], *more]):
            table.add_row("" if i else source, row["domain"], *(f"{row[k]:,}" for k in _SHARE))
    if quotas:
        console.print(table)


def show_diversity(metrics: list[dict[str, Any]], of: str = "") -> None:
    """Print how diverse a set is beside random draws of the same size from its pool."""
    beside = "band" in metrics[0]
    heads = ("set", "random, least", "greatest", "the set is") if beside else ("set",)
    table = _table(f"Diversity of {of}" if of else "Diversity", ("measure",), heads)
    for row in metrics:
        numbers = [_number(row[k]) for k in (("value", "low", "high") if beside else ("value",))]
        table.add_row(row["metric"], *numbers, *([row["band"]] if beside else []))
    console.print(table)


def show_ladder(ladder: list[dict[str, Any]]) -> None:
    """Print what choosing as many rows would give at each temperature, from as far apart as can be to at random."""
    table = _table("Ladder", ("measure", *(f"t = {rung['temperature']:g}" for rung in ladder)))
    for name in ladder[0]:
        if name not in {"temperature", "seed"}:
            table.add_row(name, *(_number(rung[name]) for rung in ladder))
    console.print(table)


def show_table(rows: list[dict[str, Any]], absent: dict[str, str]) -> None:
    """Print the set's Table 1, like LIMA's: rows asked and taken and mean lengths, a line a source."""
    table = _table("The set", ("source",), (*_SHARE, "prompt, words", "response, words"))
    for row in rows:
        means = ("–" if row[k] is None else f"{row[k]:,.0f}" for k in ("prompt_words", "response_words"))
        name = f"{row['source']} (not there)" if row["source"] in absent else row["source"]
        table.add_row(name, *(f"{row[k]:,}" for k in _SHARE), *means)
    table.add_section()
    table.add_row("all", *(f"{sum(r[k] for r in rows):,}" for k in _SHARE), "", "")
    console.print(table)


def notices(manifest: dict[str, Any]) -> list[str]:
    """Say loudly what is not as asked: sources absent, shares moved, records that could not be read."""
    lines = [f"Not there: {name}: {reason}" for name, reason in manifest["absent"].items()]
    short = [f"{r['source']} {r['taken']:,} of {r['asked']:,}" for r in manifest["table"] if r["taken"] < r["asked"]]
    more = [f"{r['source']} +{r['taken'] - r['asked']:,}" for r in manifest["table"] if r["taken"] > r["asked"]]
    if short:
        went = f"; their share went to {', '.join(more)}" if more else "; the set is smaller for it"
        lines.append(f"Short: {', '.join(short)}{went}.")
    lines += [f"Decided: {', '.join(by_hand)}." for by_hand in [decisions(manifest)] if by_hand]
    lines += [f"Not looked at: {unseen}" for unseen in unseen_turns(manifest)]
    lines += [f"Step {what} that it cannot judge ({n:,} rows)." for what, n in manifest.get("unjudged", {}).items()]
    if manifest.get("unmeasured"):
        lines.append(f"The diversity was not measured: {manifest['unmeasured']}.")
    bad = {name: c["quarantined"] for name, c in manifest["counts"].items() if c["quarantined"]}
    if bad:
        each = ", ".join(f"{name} {n:,}" for name, n in bad.items())
        lines.append(f"Could not be read: {each}. Each with its place and reason in quarantine.jsonl.")
        lines += [
            f"    {one['source']}: {one['error']} ({one['records']:,})" for one in manifest["quarantine"][:_REASONS]
        ]
    if not _empty(manifest):  # of an empty set, `failures` says all of this, and last
        reasons = {label: why for label, why in manifest.get("reasons", {}).items() if label not in _open(manifest)}
        lines += [f"Step {label} made nothing of some rows: {_listed(why)}." for label, why in reasons.items() if why]
        lines += [f"Source {name} kept nothing: {why}." for name, why in _barren(manifest) if why]
    lines += [f"The report lacks {name}: {why}." for name, why in manifest.get("missing", {}).items()]
    return lines


def failures(manifest: dict[str, Any], out: str) -> list[str]:
    """Say what the run was asked for and did not give: answers that are still to come, a set that is empty or short."""
    lines = [
        f"Step {label}: {n:,} rows have no answer yet ({_listed(manifest.get('reasons', {}).get(label, []))}). "
        "What came is kept: mend that and run the same command again."
        for label, n in _open(manifest).items()
    ]
    if _empty(manifest):
        why = "; ".join(f"{name}: {why}" for name, why in _barren(manifest) if why) or "no source is there"
        lines.append(f"The set is empty, no row passed every step. {why}.")
    return lines + (_short(manifest, out) if manifest.get("short") else [])


def _short(manifest: dict[str, Any], out: str) -> list[str]:
    """Say which sources fall short, what alone would mend it, and that what there is can be looked at."""
    short = manifest["short"]
    lines = [f"{short['says'][:1].upper()}{short['says'][1:]}."]
    ways = short["ways"][:_WAYS]
    if ways:
        lines.append("What one change alone would bring, by the ledger:")
        lines += [f"    {way['source']}: {_way(way)}" for way in ways]
    else:
        lines.append("No change of one step alone would bring a row: add a source, or lower `size`.")
    if moves := [way for way in ways if " <= " in way["move"] or " >= " in way["move"]]:
        lines.append(f'`curate what-if {out} "{moves[0]["move"]}"` asks about another bound.')
    lost = max(manifest["funnel"], key=lambda row: row["first"], default=None)
    look = f" `curate show {out} --dropped {lost['step']}` shows what fell." if lost and lost["first"] else ""
    return [*lines, f"Rows, ledger and report stand in {out}, marked as short.{look}"]


def _way(way: dict[str, Any]) -> str:
    was = "" if way["was"] is None else f" (it is {way['was']:,.10g})"
    rows = f"{'at most ' if way['at_most'] else ''}{plural(way['rows'], 'more row')}"
    enough = "" if way["rows"] >= way["missing"] else f" of the {way['missing']:,} that are missing"
    return f"{way['move']}{was}: {rows}{enough}"


_UPPER = "\N{LESS-THAN OR EQUAL TO} "


def show_moves(moves: list[dict[str, Any]]) -> None:
    """Print what moved thresholds would gain and lose, and what the ledger cannot know of it."""
    table = _table("", ("threshold", "source"), ("left", "gained", "lost", "of the set"))
    for row in moves:
        if row["left"] or row["gained"]:
            gained, lost = (
                f"{_UPPER if row[unsure] and row[name] else ''}{row[name]:,}"
                for name, unsure in (("gained", "never_asked"), ("lost", "not_redone"))
            )
            table.add_row(row["threshold"], row["source"], f"{row['left']:,}", gained, lost, f"{row['lost_of_set']:,}")
    console.print(table)
    asked, redone = (
        list(dict.fromkeys(label for row in moves for label in row[n])) for n in ("never_asked", "not_redone")
    )
    if asked:
        _line(
            f"{_UPPER}gained: never asked about all of these, as they see what is left: {', '.join(asked)}",
            "yellow",
        )
    if redone:
        _line(f"{_UPPER}lost: not done again, and may keep another row in place of one: {', '.join(redone)}", "yellow")


def _empty(manifest: dict[str, Any]) -> bool:
    return not any(row["taken"] for row in manifest["table"])


def _open(manifest: dict[str, Any]) -> dict[str, int]:
    """Count, by step, the rows that have no answer yet."""
    rows: dict[str, int] = manifest.get("open", {})
    return rows


def _barren(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Say of every source that kept no row where its rows went."""
    written = manifest["recipe"].get("sources") or {}
    for name, count in manifest["counts"].items():
        if count["kept"] or name in manifest["absent"] or (written.get(name) or {}).get("take") == 0:
            continue
        steps = sorted((r for r in manifest["funnel"] if r["source"] == name and r["first"]), key=lambda r: -r["first"])
        told = [f"{row['step']} dropped {row['first']:,}{_because(manifest, row['step'])}" for row in steps[:_REASONS]]
        lost = [(r["error"], r["records"]) for r in manifest["quarantine"] if r["source"] == name]
        told += [f"{count['quarantined']:,} could not be read: {_listed(lost)}"] if count["quarantined"] else []
        yield name, f"of {count['read']:,} rows {', '.join(told)}" if told else f"{count['read']:,} rows were read"


def _because(manifest: dict[str, Any], label: str) -> str:
    reasons = manifest.get("reasons", {}).get(label)
    return f" ({_listed(reasons)})" if reasons and label not in _open(manifest) else ""


def _listed(reasons: Iterable[Iterable[Any]]) -> str:
    """List the most frequent reasons, with their counts."""
    return "; ".join(f"{why} ({n:,})" for why, n in islice(reasons, _REASONS))


def show_facts(summary: dict[str, Any]) -> None:
    """Print what a file holds, on one screen."""
    first = "" if summary["whole"] else "the first "
    _line(f"{summary['file']}: {first}{plural(summary['rows'], 'row')}, {summary['shape']}", "bold")
    columns = [f"{name} ({kind})" for name, kind in summary["columns"].items()]
    _line(f"columns    {', '.join(columns[:_COLUMNS])}{' …' if len(columns) > _COLUMNS else ''}")
    for name, value in summary["read"].items():
        shown = ", ".join(f"{k} from {v}" for k, v in value.items()) if isinstance(value, dict) else value
        _line(f"guessed    {name}: {shown}", "yellow")
    for side, sizes in summary["lengths"].items():
        _line(f"{side:10} {sizes['5 %']:,} to {sizes['99 %']:,} characters, half below {sizes['half']:,}")
    empty = [f"{side} {count:,}" for side, count in summary["empty"].items() if count]
    _line(f"empty      {', '.join(empty) or 'no side'}")
    _line(f"repeated   {plural(summary['duplicates'], 'row')} with a prompt that another has")
    if summary["dialogues"]:
        _line(f"dialogues  {plural(summary['dialogues'], 'row')} with earlier turns")
    if summary["languages"] is None:
        _line("languages  not known: pip install 'curate-lm[language]'")
    else:
        _line(f"languages  {', '.join(f'{name} {share:.0%}' for name, share in summary['languages'][:5]) or 'none'}")
    if summary["bad"]:
        _line(
            f"bad        {plural(summary['bad'], 'record')} cannot be read; the first: {summary['first_bad']}", "yellow"
        )
        for reason, count in summary["reasons"]:
            _line(f"           {reason} ({count:,})", "yellow")


def show_plan(recipe: Recipe, sample: list[dict[str, Any]], size: str | None) -> None:
    """Print what a recipe would do, and what is predicted from a sample: what each source's steps leave, the `size`."""
    rows = {row["source"]: row for row in sample}
    for group in ("generators", "judges"):
        for name, block in (recipe.raw.get(group) or {}).items():
            _line(f"{group[:-1]} {name}: {block}")
    for source in recipe.sources:
        row = rows.get(source.name)
        if row is None:
            outcome = "not tried: it asks a model, or is code of your own"
        elif row["absent"]:
            outcome = f"not there: {row['absent']}"
        else:
            outcome = f"{row['kept']:,} of {row['sampled']:,} tried rows kept"
        take = "" if source.take is None else f", take {source.take:,}"
        _line(f"{source.name}  {source.read.name}{take}: {outcome}")
        for step in source.steps:
            _line(f"    {step.verb} {step.name} {_params(step.params)}")
    for step in recipe.steps:
        _line(f"all: {step.verb} {step.name} {_params(step.params)}")
    whole = "every row that passes" if recipe.size is None else f"{recipe.size:,}, shortfall {recipe.shortfall}"
    _line(f"size: {whole}; seed {recipe.seed}")
    _show_prediction([row for row in sample if not row["absent"]])
    if size:
        _line(size)
    if recipe.unrun:
        what = f"{', '.join(recipe.unrun)}, code of the recipe's own"
        _line(f"Not run, nor the steps after it: {what}. If you have read it, `--trust` runs it.", "yellow")


def _show_prediction(sample: list[dict[str, Any]]) -> None:
    """Print what each step is predicted to leave, and what is not predicted."""
    table = _table("Predicted", ("source", "after"), ("rows", "95 % interval"))
    for row in sample:
        for i, (label, count) in enumerate(row["steps"].items()):
            whole = label == "read" and not row["whole"]
            numbers = ["" if count["expected"] is None else f"{count['expected']:,}", _interval(count)]
            table.add_row("" if i else row["source"], f"{label} (the first of more)" if whole else label, *numbers)
    if sample:
        console.print(table)
    unjudged = dict.fromkeys((what, count) for row in sample for what, count in row["unjudged"].items())
    for what, count in unjudged:
        _line(f"Step {what} that it cannot judge ({plural(count, 'tried row')}).", "yellow")
    for row in sample:
        if row["left"]["why"]:
            _line(f"{row['source']}: not predicted: {row['left']['why']}.", "yellow")
        if row["quarantined"]:
            _line(f"{row['source']}: {row['quarantined']:,} records could not be read.", "yellow")


def _interval(count: dict[str, Any]) -> str:
    return "" if count["low"] == count["high"] else f"{count['low']:,} to {count['high']:,}"


def show_catalog(catalog: dict[str, list[dict[str, Any]]]) -> None:
    """Print what there is, a table a kind."""
    for kind, rows in catalog.items():
        table = Table(kind, "is", "does", box=None, pad_edge=False)
        for row in rows:
            table.add_row(row["name"], row["is"], row["does"])
        console.print(table, "")


def show_why(row: dict[str, Any]) -> None:
    """Print one row's way."""
    state = "kept" if row["kept"] else f"dropped by {row['dropped_by']}"
    where = ", ".join(filter(None, (row["source"], row["domain"])))
    _line(f"{row['id']}  {where}: {state}", "bold")
    table = Table("step", "outcome", "measured", "parameters", "evidence")
    for step in row["steps"]:
        measured = ", ".join(f"{k} {v}" if isinstance(v, str) else f"{k} {v:g}" for k, v in step["measured"].items())
        outcome = Text(step["outcome"], style="red" if step["outcome"] == "failed" else "")
        name = Text(f"{step['verb']} {step['label']}")
        table.add_row(name, outcome, measured, Text(_params(step["params"])), Text(step["evidence"] or ""))
    console.print(table)
    if row["also"]:
        console.print(f"repeated: {row['also']}")


def show_diff(changes: pl.DataFrame) -> None:
    """Print rows gained and lost, counted by step, and the first of each."""
    if not changes.height:
        console.print("The two sets hold the same rows.")
        return
    counts = changes.group_by("change", "step", "note").len().sort("change", "len", descending=[False, True])
    table = Table("change", "step that decides", "rows")
    for change, step, note, rows in counts.iter_rows():
        decides = (step or "not in the other input") + (f" ({note})" if note else "")
        table.add_row(change, decides, f"{rows:,}")
    console.print(table)
    for row in changes.head(10).iter_rows(named=True):
        where = ", ".join(filter(None, (row["source"], row["domain"])))
        _line(f"{row['change']:6} {row['id'][:12]}  {where}  {row['detail'] or ''}")


def _params(params: dict[str, Any]) -> str:
    return ", ".join(f"{k}: {v}" for k, v in params.items() if v is not None)
