"""Judges: each gives an answer a number, or says which of two is better, and what that rests on.

To add one: a factory `name(*, …) -> Judge` in a module of this folder, its table in `tests/judges`, its name here.
"""

from curate.judges.comparisons import comparison
from curate.judges.contract import Case, Comparison, Grade, Judge, Pairing
from curate.judges.form import rules
from curate.judges.functions import as_judge as as_judge
from curate.judges.functions import function as function
from curate.judges.labels import label
from curate.judges.ratings import rating
from curate.judges.rewards import reward_model
from curate.judges.verdicts import verdict

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
