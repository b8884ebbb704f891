"""Importing NumPy with the BLAS that a merge wants."""

from __future__ import annotations

import os
import sys

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def import_numpy() -> None:
    """Import NumPy with one BLAS thread, unless it is imported already; the user's own settings win.

    The stream has threads of its own, and two levels of them fight for the cores.
    """
    if "numpy" in sys.modules:
        return
    absent = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(absent, "1"))
    try:
        import numpy  # noqa: F401
    finally:
        for name in absent:
            del os.environ[name]
