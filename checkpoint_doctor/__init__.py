"""ckpt-doctor: says what is wrong with a checkpoint directory, and cures it."""

__version__ = "0.1.0"
