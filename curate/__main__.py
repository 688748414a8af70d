"""Run the command as `python -m curate`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts the working folder before all packages: a file `yaml.py` that lies there must not be taken for one.
    # In a checkout that is not installed, the working folder is where this package is.
    if Path(sys.path[0]).resolve() == Path.cwd() != Path(__file__).resolve().parents[1]:
        del sys.path[0]

    from curate.cli import main

    main()
