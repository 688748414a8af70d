"""Filter ablations that need no training: what a finished folder's ledger says of steps left out and bounds moved."""

from curate.without.leaving_out import leave_one_out
from curate.without.moving import ThresholdError, thresholds
from curate.without.screen import show

__all__ = ["ThresholdError", "leave_one_out", "show", "thresholds"]
