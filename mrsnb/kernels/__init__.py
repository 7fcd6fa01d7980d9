"""Compiled loops on plain arrays: numba and numpy only."""
