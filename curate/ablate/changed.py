"""What is wrong with an arm's changes to another file, said where the ablation has them."""

from __future__ import annotations

from curate.ablate.keys import Wrong
from curate.places import Problem, RecipeError


class ChangeError(RecipeError):
    """Tell what is wrong with the changes to a recipe or a config: `wrong`, by places in the block that has them."""

    def __init__(self, file: str, wrong: Wrong) -> None:
        self.wrong = wrong
        super().__init__(file, [Problem(path, message) for path, message in wrong])
