"""Generators: backends that answer conversations. Each is a function from settings to a `Generator`.

To add one: a function `name(model, *, …) -> Generator` in a module of this folder, its test, and its name here.
"""

from typing import TYPE_CHECKING

from curate import lazy
from curate.models.generators.ask import Answer, Ask, Failed
from curate.models.generators.generator import Generator

if TYPE_CHECKING:
    from curate.models.generators.openai import openai as openai
    from curate.models.generators.transformers import transformers as transformers
    from curate.models.generators.vllm import vllm as vllm

__all__ = ["Answer", "Ask", "Failed", "Generator"]
# Each generator, and its module.
__all__ += lazy(__name__, {"openai": "openai", "transformers": "transformers", "vllm": "vllm"})
