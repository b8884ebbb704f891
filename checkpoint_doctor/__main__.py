"""`python -m checkpoint_doctor`."""

from checkpoint_doctor.cli import entry

entry()
