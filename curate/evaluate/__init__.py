"""What grades show: means, intervals, differences, agreement, and how many rows are worth how many others.

Grades are a line an answer (`arm`, `seed`, `id` of the prompt, `score`, …). Answers to one prompt are not independent,
nor are the prompts of one training: `crossed` says what follows from that.
"""

from curate.evaluate.agreement import agreement, flip_rate, kappa, selection
from curate.evaluate.compare import compare, grade_of, holm
from curate.evaluate.contract import Comparison, EvaluateError, Lost, Mean, Multiplier
from curate.evaluate.length import at_equal_length
from curate.evaluate.means import bootstrap, mean
from curate.evaluate.multiplier import multiplier
from curate.evaluate.students import power_of, prompts_needed, smallest_difference
from curate.evaluate.tables import by_prompt

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
