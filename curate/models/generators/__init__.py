"""Generators: backends that answer conversations. Each is a function from settings to a `Generator`.

To add one: a function `name(model, *, …) -> Generator` in a module of this folder, its test, and its name here.
"""

from curate.models.generators.ask import Answer, Ask, Failed
from curate.models.generators.generator import Generator
from curate.models.generators.openai import openai
from curate.models.generators.transformers import transformers
from curate.models.generators.vllm import vllm

__all__ = ["Answer", "Ask", "Failed", "Generator", "openai", "transformers", "vllm"]
