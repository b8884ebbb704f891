"""The exceptions that cross module boundaries; no other module of the package is imported here."""

from __future__ import annotations


class CkptDoctorError(Exception):
    """Base of everything this package raises on purpose."""


class UserError(CkptDoctorError):
    """The input or the request is wrong: shown as one line and a hint, exit status 2.

    Args:
        message: what is wrong, one line, with the user's own paths in it.
        hint: what to do about it, one line; empty when there is nothing to add.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FactUnavailable(CkptDoctorError):
    """A fact about the directory could not be established: "could not look", which is neither clean nor a finding.

    Args:
        reason: why, as a clause that can stand behind "skipped:" (for example "config.json is not valid JSON").
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
