"""The notebook of docs/ runs from top to bottom, and what a cell shows is right, short and harmless."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from tests.test_layout import ROOT

NOTEBOOK = json.loads((ROOT / "docs/notebook.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def run(cell: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does; give the value of its last line, where that is an expression."""
    *above, last = ast.parse(cell).body
    if not isinstance(last, ast.Expr):
        return exec(compile(cell, "notebook", "exec"), names)
    exec(compile(ast.Module(above, []), "notebook", "exec"), names)
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), names)


def test_it_is_kept_without_outputs():
    assert NOTEBOOK["nbformat"] == 4
    assert all(
        cell["outputs"] == [] and cell["execution_count"] is None for cell in NOTEBOOK["cells"] if "outputs" in cell
    )


@pytest.mark.slow
def test_its_cells_run_and_show_what_the_text_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CURATE_DATA", raising=False)
    names: dict[str, Any] = {}
    values = [run(cell, names) for cell in CODE]
    pages = [value._repr_html_() for value in values if hasattr(value, "_repr_html_")]
    assert all("<table" in page or page.startswith("<pre>") for page in pages) and len(pages) == 7
    assert names["rows"].height == 6 and run("curate.keep(rows, good)", names).height == 3
    assert names["verdicts"]["dropped_by"].to_list() == [None, None, "first_person", "length", None, "length"]
    assert "2 rows in out/forum" in names["out"]._repr_html_()
    assert sorted(names["dropped"]["dropped_by"]) == ["exact_duplicates", "first_person", "length", "length"]
    assert values[-1]["dropped_by"] == "first_person"
