"""What a model makes of a text, as a number: a loss, a reward, the probabilities of labels; each asked once ever."""

from curate.models.scores.scoring import hear, ifd, perplexity, probability, progress, reward
from curate.models.weights import PACKAGED as DEFAULT

__all__ = ["DEFAULT", "hear", "ifd", "perplexity", "probability", "progress", "reward"]
