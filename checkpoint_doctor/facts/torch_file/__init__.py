"""Torch files listed without unpickling: zip and legacy containers, an allow-list machine for the pickle."""
