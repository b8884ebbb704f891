"""Turns a report into text; sees only `core`."""
