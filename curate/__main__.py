"""Run the command as `python -m curate`."""

import os
import sys

if __name__ == "__main__":
    # Python puts the working folder before all packages: a file `yaml.py` that lies there must not be taken for one.
    # In a checkout that is not installed, the working folder is where this package is. (No pathlib, which would be
    # looked for in that very folder.)
    home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
    if os.path.realpath(sys.path[0]) == os.path.realpath(os.curdir) != home:
        del sys.path[0]

    from curate.cli import main

    main()
