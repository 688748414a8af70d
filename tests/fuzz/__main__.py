"""The long form of the fuzz tests, over readers, recipes and replies: `CURATE_FUZZ=100000 python -m tests.fuzz`."""

import os
import subprocess
import sys

from tests.fuzz.readers import main

MUTANTS = int(os.environ.get("CURATE_FUZZ", "100000"))

faults = main(MUTANTS)
# Recipes and replies count mutants of each of their seeds, of which there are some thirty.
command = [sys.executable, "-m", "pytest", "-q", "tests/fuzz/test_recipes.py", "tests/fuzz/test_replies.py"]
done = subprocess.run(command, env=os.environ | {"CURATE_FUZZ": str(max(40, MUTANTS // 100))})
sys.exit(1 if faults or done.returncode else 0)
