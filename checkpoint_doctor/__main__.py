"""`python -m checkpoint_doctor`."""

import os
import sys

# `python -m` looks for modules in the working directory first: a checkpoint there must not bring its own click.py.
if sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]

from checkpoint_doctor.cli import entry

entry()
