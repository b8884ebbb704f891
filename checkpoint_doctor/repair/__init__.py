"""Applies fixes: first to texts in memory, then, when everything is planned and checked, to the files."""
