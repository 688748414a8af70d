"""Generators: backends that answer conversations. Each is a function from settings to a `Generator`.

To add one: a function `name(model, *, …) -> Generator` in a module of this folder, its test, and its name here.
"""

from curate.generators.contract import Answer, Ask, Failed
from curate.generators.generator import Generator
from curate.generators.openai import openai
from curate.generators.transformers import transformers
from curate.generators.vllm import vllm

__all__ = ["Answer", "Ask", "Failed", "Generator", "openai", "transformers", "vllm"]
