"""A chart as an SVG file of its own, light and dark, and the style that it shares with the page."""

from __future__ import annotations

from curate.report.html import Html, el
from curate.report.lines.chart import Figure, says
from curate.report.lines.svg import panels

_WIDE, _LEFT, _TOP = 760, 60, 58  # pixels: the file, the room for the y axis' numbers, the title's

STYLE = """
svg .grid { stroke: var(--line) }
svg .course { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
svg .each { stroke-width: 1; opacity: .35 }
svg .span { stroke-width: 1.5; opacity: .55 }
svg .dot { stroke: none }
.one { stroke: var(--kept) } svg .dot.one { fill: var(--kept) }
.two { stroke: var(--gone) } svg .dot.two { fill: var(--gone) }
.three { stroke: var(--pool) } svg .dot.three { fill: var(--pool) }
svg .said { stroke: var(--soft); stroke-dasharray: 5 3 }
.facts dd { white-space: nowrap; font-size: 1.3rem }
.plot { padding: 0 .6rem 0 3.75rem }
"""
# A file stands alone: plain colours where nothing is known of the reader's, and the dark ones where it is.
_LIGHT = {"page": "#fbfbf9", "ink": "#1b1f24", "soft": "#58616b", "line": "#dcdfe2"}
_LIGHT |= {"kept": "#0f766e", "gone": "#d07a4b", "pool": "#7c8895"}
_DARK = {"page": "#14171a", "ink": "#e7e9eb", "soft": "#a3acb5", "line": "#333a41"}
_DARK |= {"kept": "#4db6ac", "gone": "#b86b45", "pool": "#7d8996"}
_FILE_STYLE = """
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--soft);
  paint-order: stroke; stroke: var(--page); stroke-width: 4px }
svg .name { fill: var(--ink); font-weight: 600 }
svg .title { font-size: 16px }
svg .page { fill: var(--page) }
svg .base { stroke: var(--soft) }
.middle { text-anchor: middle } .end { text-anchor: end }
"""


def file(figure: Figure) -> str:
    """Draw a figure as an SVG file of its own, with its title."""
    drawn, tall = panels(figure)
    inner = el("svg", *drawn, x=_LEFT, y=_TOP, width=_WIDE - _LEFT - 24, height=tall, overflow="visible")
    parts = [
        el("title", says(figure)),
        el("style", Html(_file_style())),
        el("rect", width="100%", height="100%", class_="page"),
        el("text", figure.title, x="16", y="26", class_="name title"),
        el("text", figure.hint, x="16", y="45"),
        inner,
    ]
    height = _TOP + tall + 8
    attributes = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_WIDE} {height}"}
    return el("svg", *parts, role="img", width=_WIDE, height=height, **attributes) + "\n"


def _file_style() -> str:
    def plain(colours: dict[str, str]) -> str:
        style = STYLE[: STYLE.index(".facts")] + _FILE_STYLE
        for name, colour in colours.items():
            style = style.replace(f"var(--{name})", colour)
        return style

    dark = [rule for rule in plain(_DARK).replace("\n  ", " ").splitlines() if "#" in rule]
    return f"{plain(_LIGHT)}@media (prefers-color-scheme: dark) {{\n{chr(10).join(dark)}\n}}\n"
