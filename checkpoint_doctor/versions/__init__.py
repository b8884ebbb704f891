"""Which releases load a directory: constraints out of its files, their intersection, a verdict on an environment."""
