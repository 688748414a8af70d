"""Judges: each gives an answer a number, or says which of two is better, and what that rests on.

To add one: a factory `name(*, …) -> Judge` in a module of this folder, its table in `tests/judges`, its name here.
"""

from curate.models.judges.comparisons import comparison
from curate.models.judges.form import rules
from curate.models.judges.functions import as_judge as as_judge
from curate.models.judges.functions import function as function
from curate.models.judges.judge import Case, Comparison, Grade, Judge, Pairing
from curate.models.judges.labels import label, verdict
from curate.models.judges.ratings import rating
from curate.models.judges.rewards import reward_model

# The factories among these are what a recipe can name. `function` wraps a function, which a recipe names as it is.
__all__ = [
    "Case",
    "Comparison",
    "Grade",
    "Judge",
    "Pairing",
    "comparison",
    "label",
    "rating",
    "reward_model",
    "rules",
    "verdict",
]
