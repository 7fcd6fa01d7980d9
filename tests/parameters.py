"""Random parameters for property tests: valid values of any `Params`, and texts that no field takes."""

from contextlib import suppress
from typing import Literal, get_args, get_origin

from hypothesis import strategies as st

from mrsnb.errors import ParamError
from mrsnb.pipeline import Spec3Params
from mrsnb.pipeline.official import step_types

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12) | st.sampled_from(
    ["none", "4", "half", "a b.fits", "it's.reg", '"q".asdf', "$HOME/x", "true", "~", "- a: b #c", "\u00e9.fits", " x "]
)


def values(spec):
    """Values that a parameter allows, often its default."""
    some = _typed(spec.base, spec.low, spec.high).filter(lambda value: _allows(spec, value))
    return st.just(spec.default) | some | (st.none() if spec.optional else st.nothing())


def params(kind, least=0):
    """Parameters of a type: a few changed, as far as they do not contradict each other."""
    specs = {spec.name: spec for spec in kind.specs()}
    names = st.lists(st.sampled_from(sorted(specs)), min_size=least, max_size=6, unique=True)
    return names.flatmap(lambda some: st.fixed_dictionaries({name: values(specs[name]) for name in some})).map(
        lambda chosen: _fitting(kind, chosen)
    )


def runs():
    """Parameters of a whole run."""
    names = st.lists(st.sampled_from(sorted(Spec3Params.steps())), max_size=3, unique=True)
    some = names.flatmap(lambda steps: st.fixed_dictionaries({step: params(step_types()[step]) for step in steps}))
    return some.map(_run)


def wrong_texts(spec):
    """Texts that a parameter does not allow."""
    return (WORDS | st.from_regex(r"-?\d{1,6}(\.\d{1,3})?([, ]-?\d{1,3})*", fullmatch=True)).filter(
        lambda text: not _reads(spec, text)
    )


def can_be_wrong(spec):
    """Whether something else than a choice can be typed, and not all of it is allowed."""
    return spec.choices is None and spec.base is not bool and not (spec.base is str and spec.check is None)


def _typed(kind, low, high):
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is tuple:
        items = [_typed(item, low, high) for item in get_args(kind) if item is not Ellipsis]
        return st.lists(items[0], max_size=3).map(tuple) if Ellipsis in get_args(kind) else st.tuples(*items)
    if kind is bool:
        return st.booleans()
    if kind is str:
        return WORDS.filter(lambda text: text.isdecimal() or not _is_number(text))  # 1e3 is a number to ASDF
    if kind is int:
        return st.integers(0 if low is None else int(low), None if high is None else int(high))
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


def _fitting(kind, chosen):
    with suppress(ParamError):
        return kind(**chosen)
    made = kind()
    for name, value in chosen.items():
        with suppress(ParamError):
            made = kind(**{spec.name: getattr(made, spec.name) for spec in kind.specs()} | {name: value})
    return made


def _run(chosen):
    with suppress(ParamError):
        return Spec3Params(**chosen)
    return Spec3Params(**{step: value for step, value in chosen.items() if step != "extract_1d"})


def _is_number(text):
    with suppress(ValueError):
        float(text)
        return True
    return False


def _allows(spec, value):
    try:
        spec.checked(value)
    except ParamError:
        return False
    return True


def _reads(spec, text):
    try:
        spec.from_text(text)
    except ParamError:
        return False
    return True
