"""Small examples, found again on every run, without a limit on their time (a first call compiles)."""

from hypothesis import settings

settings.register_profile("mrsnb", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("mrsnb")
