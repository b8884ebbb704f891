"""Loads the rules, chooses among them, runs them over a checkpoint."""
