"""The long form of the fuzz tests: `CURATE_FUZZ=100000 python -m tests.fuzz`."""

import os
import sys

from tests.fuzz.readers import main

sys.exit(1 if main(int(os.environ.get("CURATE_FUZZ", "100000"))) else 0)
