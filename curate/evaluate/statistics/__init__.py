"""What grades show: means, intervals, differences, agreement, and how many rows are worth how many others.

Grades are a line an answer (`arm`, `seed`, `id` of the prompt, `score`, …). Answers to one prompt are not independent,
nor are the prompts of one training: `crossed` says what follows from that.
"""

from curate.evaluate.statistics.agreement import agreement, flip_rate, kappa, selection
from curate.evaluate.statistics.compare import Comparison, Lost, at_equal_length, compare, compare_pairs, grade_of, holm
from curate.evaluate.statistics.means import (
    EvaluateError,
    Mean,
    bootstrap,
    mean,
    power_of,
    prompts_needed,
    smallest_difference,
)
from curate.evaluate.statistics.multiplier import Multiplier, multiplier
from curate.evaluate.statistics.tables import by_prompt

__all__ = [
    "Comparison",
    "EvaluateError",
    "Lost",
    "Mean",
    "Multiplier",
    "agreement",
    "at_equal_length",
    "bootstrap",
    "by_prompt",
    "compare",
    "compare_pairs",
    "flip_rate",
    "grade_of",
    "holm",
    "kappa",
    "mean",
    "multiplier",
    "power_of",
    "prompts_needed",
    "selection",
    "smallest_difference",
]
