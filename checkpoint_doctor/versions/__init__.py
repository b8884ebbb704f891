"""Which releases load a directory: constraints out of its files, their intersection, the environment held against it."""
