"""JSON with exact places: what a file says, where, and what Python would refuse in it."""
