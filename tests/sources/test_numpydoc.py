"""Docstrings to Markdown, section by section."""

import textwrap

import pytest

from curate.sources.docstrings import numpydoc


def convert(doc: str, call: str | None = None) -> str:
    return numpydoc.to_markdown(textwrap.dedent(doc).strip("\n"), call)


def test_a_whole_docstring_reads_like_an_answer():
    doc = """
    Weigh the boxes.

    Heavy ones are weighed twice [1]_.

    Parameters
    ----------
    boxes, crates : list of Box
        What to weigh.

        Empty ones too.
    unit : {'kg', 'lb'}, default 'kg'
        The unit.
    **options
        Handed on.

    Returns
    -------
    weights : ndarray of shape (n,)
        The weights.

    Raises
    ------
    ValueError
        If there is none.

    See Also
    --------
    lift : Lift a box.

    Notes
    -----
    Scales drift.

    References
    ----------
    .. [1] A paper.

    Examples
    --------
    >>> weigh([box])
    [3.0]
    """
    assert convert(doc, "weigh(boxes, crates, unit='kg', **options)") == textwrap.dedent("""\
        Weigh the boxes.

        ```python
        weigh(boxes, crates, unit='kg', **options)
        ```

        Heavy ones are weighed twice.

        ## Parameters

        - `boxes`, `crates` (list of Box): What to weigh.

          Empty ones too.

        - `unit` ({'kg', 'lb'}, default 'kg'): The unit.
        - `**options`: Handed on.

        ## Returns

        - `weights` (ndarray of shape (n,)): The weights.

        ## Raises

        - `ValueError`: If there is none.

        ## Notes

        Scales drift.

        ## Examples

        ```python
        >>> weigh([box])
        [3.0]
        ```""")


def test_google_sections_are_read_too():
    doc = """
    Weigh a box.

    Args:
        box: What to weigh.
        unit (str): The unit,
            in words.

    Returns:
        The weight.

    Raises:
        ValueError: If there is none.
    """
    assert convert(doc) == (
        "Weigh a box.\n\n## Args\n\n- `box`: What to weigh.\n- `unit` (str): The unit, in words."
        "\n\n## Returns\n\nThe weight.\n\n## Raises\n\n- `ValueError`: If there is none."
    )


@pytest.mark.parametrize(
    ("section", "after"),
    [
        pytest.param("Returns\n-------\nndarray\n    The sum.", "- `ndarray`: The sum.", id="a bare type"),
        pytest.param("Returns\n-------\nlist of int\n    Sums.", "- list of int: Sums.", id="a type in words"),
        pytest.param("Returns\n-------\nThe sum of all.", "The sum of all.", id="plain text"),
        pytest.param("Methods\n-------\nfit(X)\n    Fit.", "- `fit(X)`: Fit.", id="a call as a name"),
        pytest.param("Parameters\n----------\nx : int", "- `x` (int)", id="an entry without explanation"),
    ],
)
def test_entries(section, after):
    assert convert(f"Sum.\n\n{section}").split("\n\n", 2)[2] == after


@pytest.mark.parametrize(
    ("doc", "summary"),
    [
        pytest.param("Add\n``x``.\n\nMore.", "Add `x`.", id="the first paragraph on one line"),
        pytest.param("Parameters\n----------\nx : int", "", id="there is none"),
        pytest.param(">>> x\n", "", id="a session is no summary"),
    ],
)
def test_summary(doc, summary):
    assert numpydoc.summary(doc) == summary


@pytest.mark.parametrize("doc", [pytest.param("%(x)s", id="percent"), pytest.param("Return the {klass}.", id="braces")])
def test_placeholders_make_a_template(doc):
    assert numpydoc.is_template(doc)


@pytest.mark.parametrize(
    "doc",
    [
        pytest.param("A dict {'a': 1} or {1, 2}.", id="a dict and a set"),
        pytest.param(":math:`x_{i}` and ``'{a}'``", id="formulas and literals"),
        pytest.param(">>> f'{x}' + '%(y)s'", id="a session"),
    ],
)
def test_braces_of_other_kinds_do_not(doc):
    assert not numpydoc.is_template(doc)


def test_a_dashed_line_under_a_table_row_is_no_section():
    assert [title for title, _ in numpydoc.sections("Sum.\n\nlong words that go on\n---")] == [""]
