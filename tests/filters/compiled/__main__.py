"""Run every compiled step under sanitizers on hostile texts, against its reference: `make sanitize`.

Each text stands alone in memory, so that a step which reads beside it is seen, and so is one that frees too little.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curate.filters.compiled import FOLDER, html, links, repeats, voice, words
from tests.filters.compiled.library import COMPILER, build
from tests.filters.compiled.texts import hostile

SANITIZE = ["-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class Buffer(ctypes.Structure):
    """The one of text.h."""

    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("room", ctypes.c_size_t)]


class Step:
    """A step of a library, asked for one text after another."""

    def __init__(self, library: ctypes.CDLL, name: str, options: str | None = None) -> None:
        self.step, self.libc = getattr(library, name), ctypes.CDLL(None)
        self.libc.malloc.restype = ctypes.c_void_p
        self.allocated = self.libc["__sanitizer_get_current_allocated_bytes"]
        self.size_of = self.libc["__sanitizer_get_allocated_size"]
        self.allocated.restype = self.size_of.restype = ctypes.c_size_t
        self.options = [] if options is None else self._place(options.encode())

    def _place(self, content: bytes) -> list[Any]:
        at = self.libc.malloc(ctypes.c_size_t(len(content)))
        ctypes.memmove(at, content, len(content))
        return [ctypes.c_void_p(at), ctypes.c_size_t(len(content))]

    def edit(self, text: str) -> str:
        """Give the new text, or the old one."""
        result = self.write(text)
        return text if result is None else result.decode()

    def list(self, text: str) -> list[int]:
        """Give the numbers that were written."""
        return memoryview(self.write(text) or b"").cast("Q").tolist()

    def count(self, text: str) -> int:
        """Give a number, which is no writing."""
        self.step.restype = ctypes.c_uint64
        place = self._place(text.encode())
        number: int = self.step(*place, *self.options)
        self.libc.free(place[0])
        return number

    def write(self, text: str) -> bytes | None:
        """Give what was written; None if the step says that nothing changes."""
        place, out = self._place(text.encode()), Buffer()
        before = self.allocated()
        result = self.step(*place, *self.options, ctypes.byref(out))
        more = self.allocated() - before - (self.size_of(ctypes.c_void_p(out.at)) if out.at else 0)
        content = ctypes.string_at(out.at, out.size) if out.at else b""
        for at in (place[0], ctypes.c_void_p(out.at)):
            self.libc.free(at)
        assert (result in (0, 1), more) == (True, 0), f"it gives {result}, and {more} bytes are not freed"
        return content if result else None


def _halves(text: str) -> str:
    """Take a text as two, as compare_words reads them."""
    return f"{len(text[: len(text) // 2].encode())}:{text}"


def _one_line(text: str) -> str:
    """Take a text as its words in one line, and then itself, as repeats reads it."""
    return f"{' '.join(text.split())}\n{text}"


def checks(library: ctypes.CDLL) -> dict[str, tuple[Callable[[str], Any], Callable[[str], Any]]]:
    """List each step, compiled and as its reference."""
    compare, again = Step(library, "compare_words").list, Step(library, "repeats").list
    spoken = Step(library, "spoken", f"{chr(64 + 63)}=I\n~my\n~we")
    return {
        "html_to_markdown": (Step(library, "html_to_markdown").edit, html.convert),
        "strip_links": (Step(library, "strip_links").edit, links.strip),
        "leave_out": (Step(library, "leave_out", "G").edit, lambda text: voice.reference(text, 7)),
        "is_even": (lambda text: bool(Step(library, "is_even").count(text) & 1), words.is_even),
        "fold": (Step(library, "fold").edit, words.fold),
        "count_words": (Step(library, "count_words").count, words.count),
        "list_words": (Step(library, "list_words").list, words.hashes),
        "list_runs": (Step(library, "list_runs", "01").list, lambda text: words.marked_runs(text, "01")),
        "compare_words": (lambda text: compare(_halves(text)), lambda text: words.compared(_halves(text))),
        "repeats": (lambda text: again(_one_line(text)), lambda text: repeats.repeats(_one_line(text))),
        "spoken": (lambda text: spoken.edit(text) and "", lambda text: ""),  # less of a text than the reference gives
    }


def compare(library: Path, texts: int, seed: int) -> int:
    """Print each text for which a step and its reference differ; give their number."""
    steps, differences = checks(ctypes.CDLL(str(library))), 0
    for text in hostile(seed, texts):
        for name, (compiled, reference) in steps.items():
            try:
                result: Any = compiled(text)
            except (AssertionError, UnicodeError) as error:
                result = error
            if result != (expected := reference(text)):
                differences += 1
                print(f"{name} of {text!r}:\n  compiled  {result!r}\n  reference {expected!r}", flush=True)
        if differences >= 10:
            break
    return differences


def main() -> int:
    """Build the steps with sanitizers, and compare them in processes that are watched by these."""
    parser = argparse.ArgumentParser(prog="python -m tests.filters.compiled", description=__doc__)
    parser.add_argument("--texts", type=int, default=20_000, metavar="N", help="how many texts")
    parser.add_argument("--seed", type=int, default=0, help="the first process has this one, the second the next")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--library", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.library:
        return bool(compare(options.library, options.texts, options.seed))
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder), *map(str, sorted(FOLDER.glob("*.c"))), *SANITIZE)
        where = [*COMPILER, "-print-file-name=libasan.so"]
        runtime = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
        watched = os.environ | {"LD_PRELOAD": runtime, "UBSAN_OPTIONS": "print_stacktrace=1"}
        watched["ASAN_OPTIONS"] = "detect_leaks=0"  # Python's own are many
        command = [sys.executable, "-m", "tests.filters.compiled", "--library", str(library)]
        command += ["--texts", str(-(-options.texts // options.processes)), "--seed"]
        seeds = range(options.seed, options.seed + options.processes)
        processes = [subprocess.Popen([*command, str(seed)], env=watched) for seed in seeds]
        codes = {seed: process.wait() for seed, process in zip(seeds, processes, strict=True)}
    failures = [seed for seed, code in codes.items() if code]
    print(f"{options.texts:,} texts: " + (f"--seed {failures[0]} fails" if failures else "no difference, no report"))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
