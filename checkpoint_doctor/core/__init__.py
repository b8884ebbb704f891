"""Frozen value types without I/O; everything else in the package speaks in these."""
