"""What all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "fixtures"))
# Nothing may be fetched: a test that reaches for the network must fail at once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("NO_COLOR", "1")
# What is installed must not decide what a test sees; a case that is about a release names it.
os.environ["CKPT_DOCTOR_ENVIRONMENT"] = "newest"


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
