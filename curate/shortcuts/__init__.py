"""Shortcuts: what simple rules alone would get right of a preference set."""

from curate.shortcuts.contract import ShortcutError, Shortcuts
from curate.shortcuts.finding import shortcuts
from curate.shortcuts.telling import card_lines, rows_of

__all__ = ["ShortcutError", "Shortcuts", "card_lines", "rows_of", "shortcuts"]
