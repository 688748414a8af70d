"""What training cost a model elsewhere: the tasks of lm-eval before and after it, side by side."""

from curate.evaluate.bench.bench import bench as bench
from curate.evaluate.bench.lm_eval import BenchError as BenchError

__all__ = ["BenchError", "bench"]
