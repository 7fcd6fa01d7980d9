"""The workbench's style."""

from functools import cache
from importlib.resources import files


@cache
def sheet() -> str:
    """Return the style sheet of this package as HTML, read once."""
    return f"<style>{(files(__package__) / 'bench.css').read_text(encoding='utf-8')}</style>"
