"""ORPO: fine-tuning on chosen answers with a penalty on the odds of rejected ones (Hong et al. 2024, arXiv 2403.07691).

It needs no reference and no SFT before it. trl has it among what it calls experimental.
"""

from __future__ import annotations

from curate.train.stages import Stage
from curate.train.stages.dpo import keep_lora_dropout

STAGE = Stage("orpo", "ORPO", "preference", settings=keep_lora_dropout, package="trl.experimental.orpo")
