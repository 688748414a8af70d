"""Shortcuts: what simple rules alone would get right of a preference set."""

from curate.pairs.shortcuts.analysis import shortcuts
from curate.pairs.shortcuts.result import ShortcutError, Shortcuts
from curate.pairs.shortcuts.summary import card_lines, rows_of

__all__ = ["ShortcutError", "Shortcuts", "card_lines", "rows_of", "shortcuts"]
