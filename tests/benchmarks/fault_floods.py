"""Exposures that hold nonsense: NaN, infinities, zeros, huge and tiny numbers, all flags set."""


def floods(bench):
    pass
