"""Settings of the property tests here."""

from hypothesis import settings

settings.register_profile("display", deadline=None)  # a busy machine is no failure
settings.load_profile("display")
