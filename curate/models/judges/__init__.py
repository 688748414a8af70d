"""Judges: each gives an answer a number, or says which of two is better, and what that rests on.

To add one: a factory `name(*, …) -> Judge` in a module of this folder, its table in `tests/judges`, its name here.
"""

from typing import TYPE_CHECKING

from curate import lazy
from curate.models.judges.functions import as_judge as as_judge
from curate.models.judges.functions import function as function
from curate.models.judges.judge import Case, Comparison, Grade, Judge, Pairing

if TYPE_CHECKING:
    from curate.models.judges.comparisons import comparison as comparison
    from curate.models.judges.form import rules as rules
    from curate.models.judges.labels import label as label
    from curate.models.judges.labels import verdict as verdict
    from curate.models.judges.ratings import rating as rating
    from curate.models.judges.rewards import reward_model as reward_model

__all__ = ["Case", "Comparison", "Grade", "Judge", "Pairing"]
# Each factory, which a recipe can name, and its module. `function` wraps a function, which a recipe names as it is.
__all__ += lazy(
    __name__,
    {
        "comparison": "comparisons",
        "label": "labels",
        "rating": "ratings",
        "reward_model": "rewards",
        "rules": "form",
        "verdict": "labels",
    },
)
