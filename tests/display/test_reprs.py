"""What the values of the core look like in a notebook."""

import base64
from dataclasses import dataclass

import numpy as np
import pytest

from mrsnb.core.bands import Band
from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.exposure import Exposure
from mrsnb.core.params import Params, param
from mrsnb.core.results import Result
from mrsnb.core.spectrum import COLUMNS, Spectrum
from mrsnb.display import Row

NAME = "<b>target</b>_ch1-short_s3d.fits"
WAVE = np.linspace(4.9, 5.74, 10)


def tiny_cube(value=1.0):
    shape = (10, 5, 7)
    flux = np.full(shape, value, dtype=np.float32)
    return Cube(
        name=NAME,
        bands=(Band.from_name("1A"),),
        grid=CubeGrid(ra=10.0, dec=-5.0, spaxel_size=0.13, n_x=7, n_y=5, wave=WAVE.copy(), wave_step=np.full(10, 0.08)),
        flux=flux,
        err=flux.copy(),
        dq=np.zeros(shape, dtype=np.uint32),
        weight=np.ones(shape, dtype=np.float32),
        primary=Cards(),
        science=Cards(),
    )


def tiny_spectrum(value=0.1):
    columns = {name: np.full(10, value) for name in COLUMNS}
    columns |= {"WAVELENGTH": WAVE.copy(), "DQ": np.zeros(10, dtype=np.uint32)}
    return Spectrum(
        name=NAME,
        bands=(Band.from_name("1A"),),
        columns=columns,
        source_type="POINT",
        position=(3.0, 2.0),
        ra=10.0,
        dec=-5.0,
        primary=Cards(),
        science=Cards(),
    )


def tiny_exposure():
    flux = np.full((1024, 1032), np.nan, dtype=np.float32)
    flux[:, 100:200] = 1.0
    keys = {"CHANNEL": "12", "BAND": "SHORT", "DETECTOR": "MIRIFUSHORT", "TARGPROP": "<script>"}
    return Exposure(
        name=NAME,
        primary=Cards([Card(key, value) for key, value in keys.items()]),
        science=Cards(),
        wcs=None,
        flux=flux,
        err=flux.copy(),
        dq=np.zeros(flux.shape, dtype=np.uint32),
    )


@dataclass(frozen=True, kw_only=True)
class StepParams(Params):
    scale: float = param(1.0, "A scale.")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StepResult(Result):
    @property
    def title(self):
        return f"step {NAME}"

    def rows(self):
        return [Row("cubes", "12")]

    def pictures(self):
        return tiny_cube().pictures()


def tiny_result():
    return StepResult(params=StepParams(scale=2.0), seconds=1.5)


@pytest.mark.parametrize("make", [tiny_cube, tiny_spectrum, tiny_exposure, tiny_result])
def test_value_shows_itself_as_text_html_and_picture(make):
    value = make()
    bundle = value._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "<script" not in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert "&lt;b&gt;target" in bundle["text/html"]
    for row in value.rows():
        assert row.name in bundle["text/plain"]
        assert row.value in bundle["text/plain"]
    assert NAME in repr(value)


def test_result_shows_time_and_changed_parameters():
    text = tiny_result()._repr_mimebundle_()["text/plain"]
    assert [line.split() for line in text.split("\n")[1:]] == [
        ["cubes", "12"],
        ["time", "1.50", "s"],
        ["scale", "2.0", "(changed)"],
    ]


@pytest.mark.parametrize("make", [tiny_cube, tiny_spectrum])
def test_value_without_light_shows_itself(make):
    bundle = make(np.nan)._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
