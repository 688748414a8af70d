"""Line charts over one axis: what they hold, drawn for a page, and as files of their own."""

from curate.report.lines.chart import Figure, Line, Panel, spell, ticks
from curate.report.lines.file import STYLE, file
from curate.report.lines.svg import draw

__all__ = ["STYLE", "Figure", "Line", "Panel", "draw", "file", "spell", "ticks"]
