"""Run every benchmark, a table each: `python -m benchmarks`. One alone: `python -m benchmarks.rowpass`."""

import pkgutil
import subprocess
import sys

import benchmarks

for module in sorted(info.name for info in pkgutil.iter_modules(benchmarks.__path__)):
    if not module.startswith("_"):
        print(f"\n## {module}\n", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{module}"], check=False)
