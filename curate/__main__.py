"""Run the command as `python -m curate`."""

from curate.cli import main

main()
