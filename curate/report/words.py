"""Numbers and values in words, as pages, cards and the screen show them."""

from __future__ import annotations

DASH = "\N{EN DASH}"  # where there is no number
_LONG = 1e15  # from here on digits say less than a power of ten


def number(value: float | int | None, digits: int = 1) -> str:
    """Show a number with thousands apart; a dash for none.

    >>> number(1234567), number(0.25), number(1200.0), number(None) == DASH
    ('1,234,567', '0.2', '1,200', True)
    """
    if value is None or value != value:
        return DASH
    if abs(value) >= _LONG:
        return f"{value:.4g}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.{digits}f}"


def percent(part: float, whole: float) -> str:
    """Show a share; a small one is not rounded to nothing.

    >>> percent(1, 3), percent(3, 10_000), percent(0, 5), percent(5, 5), percent(1, 0) == DASH
    ('33 %', '0.03 %', '0 %', '100 %', True)
    """
    if not whole:
        return DASH
    share = 100 * part / whole
    digits = 0 if share == 0 or share >= 10 else 1 if share >= 1 else 2
    text = f"{share:.{digits}f}"
    return f"{'< 0.01' if share and float(text) == 0 else text} %"


def plural(n: int, one: str, many: str = "") -> str:
    """Count things in words.

    >>> plural(1, "row"), plural(2_000, "row"), plural(2, "entry", "entries")
    ('1 row', '2,000 rows', '2 entries')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def fields(value: object) -> str:
    """Put a value of a recipe into words.

    >>> fields(["a", "b"]), fields(1200), fields(True), fields({"by": "domain"})
    ('a, b', '1,200', 'yes', 'by domain')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.10g}"
    if isinstance(value, dict):
        return ", ".join(f"{_spaced(k)} {fields(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        items = ", ".join(fields(item) for item in value[:8])
        return items if len(value) <= 8 else f"{items} and {len(value) - 8} more"
    return str(value)


def _spaced(name: object) -> str:
    return str(name).replace("_", " ")
