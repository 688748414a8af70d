"""What training cost a model elsewhere: the tasks of lm-eval before and after it, side by side."""

from curate.bench_model.bench import bench as bench
from curate.bench_model.lm_eval import BenchError as BenchError

__all__ = ["BenchError", "bench"]
