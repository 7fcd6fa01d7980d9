"""Small products with awkward values."""

import numpy as np
import pytest

from mrsnb.core.bands import Band
from mrsnb.core.blend import cube_headers, header_row, spaxel_sky, spectrum_headers
from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.spectrum import COLUMNS, Spectrum

HISTORY = {
    "software": {"mrsnb": "0.1", "python": "3.11"},
    "parameters": {"cube_build": {"weighting": "drizzle", "tiny": 1e-05, "none": None, "list": [1, 2.5, "a\nb"]}},
    "references": {"cubepar": "cubepar.fits (sha256:0123)"},
    "inputs": {"Zoë's_cal.fits": "sha256:" + "ab" * 32},
}


def primary(number=1, band="SHORT"):
    return Cards(
        [
            Card("CAL_VER", "1.20.2", "Calibration Software Version"),
            Card("TELESCOP", "JWST", "Telescope used to acquire the data"),
            Card("FILENAME", f"x{number}_cal.fits", "Name of the file"),
            Card(
                "TITLE",
                "It's a 'quoted' and quite long title of a proposal, longer than one card of 80 columns",
                "long",
            ),
            Card("DATE-BEG", f"2022-08-0{number}T12:00:00.000", "Date-time start of exposure"),
            Card("INSTRUME", "MIRI", "Instrument used to acquire the data"),
            Card("DETECTOR", "MIRIFUSHORT"),
            Card("CHANNEL", "12", "Instrument channel"),
            Card("BAND", band, "MRS wavelength band"),
            Card("EXP_TYPE", "MIR_MRS", "Type of data in the exposure"),
            Card("EXPMID", 59800.51 + number / 3, "[d] exposure mid time in MJD"),
            Card("EFFEXPTM", 111.1, "[s] Effective exposure time"),
            Card("NINTS", 1, "Number of integrations in exposure"),
            Card("BKGDTARG", False, "Background target"),
            Card("TARG_RA", 202.46950000000003, "[deg] Target RA at mid time of exposure"),
        ]
    )


SCIENCE = Cards(
    [
        Card("SRCTYPE", "POINT", "Source type used for calibration"),
        Card("XPOSURE", 111.1, "[s] Effective exposure time"),
        Card("BUNIT", "MJy/sr", "physical units of the array values"),
        Card("V2_REF", -503.378),
        Card("ROLL_REF", 30.0),
        Card("PA_V3", 30.0),
        Card("VELOSYS", 12345.6, "[m/s] Barycentric correction to radial velocity"),
    ]
)


def a_grid(*, ra=202.469, dec=47.195, rotation=0.0, linear=True, n_wave=7):
    step = 0.0007999999797903001
    wave = 4.9 + step * (np.arange(n_wave) + 0.5)
    if not linear:
        wave = np.float64(np.float32(np.cumsum(np.linspace(0.001, 0.002, n_wave)) + 4.9))
    steps = np.full(n_wave, step) if linear else np.append(np.diff(wave), wave[-1] - wave[-2])
    return CubeGrid(
        ra=ra,
        dec=dec,
        spaxel_size=0.12999999523162842,
        n_x=9,
        n_y=5,
        wave=wave,
        wave_step=steps,
        rotation=rotation,
        linear=linear,
    )


def a_cube(*, exposures=2, seed=1, bands=("SHORT",), name="ngc.1_ch1-short_s3d.fits", **grid):
    rng = np.random.default_rng(seed)
    where = a_grid(**grid)
    flux = rng.normal(size=where.shape).astype(np.float32)
    outside = rng.random(where.shape) < 0.2
    flux[outside] = np.nan
    heads = [primary(i + 1, bands[i % len(bands)]) for i in range(exposures)]
    used = [Band(1, band.lower()) for band in bands]
    first, science = cube_headers(heads, [SCIENCE] * exposures, where, used, cubepar="cubepar.fits")
    return Cube(
        name=name,
        bands=tuple(used),
        grid=where,
        flux=flux,
        err=np.abs(flux),
        dq=np.where(outside, 513, 0).astype(np.uint32) | np.uint32(1 << 31),
        weight=rng.integers(0, 9, where.shape).astype(np.float32),
        primary=first,
        science=science,
        inputs=tuple(header_row(head, SCIENCE) for head in heads),
        history=HISTORY,
    )


def a_spectrum(*, n_wave=7, seed=2, name="ngc.1_ch1-short_x1d.fits"):
    rng = np.random.default_rng(seed)
    cube = a_cube(n_wave=n_wave)
    columns = {key: rng.normal(size=n_wave) for key in COLUMNS}
    columns["WAVELENGTH"] = cube.grid.wave.copy()
    columns["DQ"] = rng.integers(0, 1 << 32, n_wave, dtype=np.uint32)
    columns["RF_FLUX"] = np.full(n_wave, np.nan)
    sky = spaxel_sky(cube.grid, 4.5, 2.5)
    first, science = spectrum_headers(cube, source_type="POINT", position=(3.25, 2), sky=sky, extract1d="e.asdf")
    return Spectrum(
        name=name,
        bands=cube.bands,
        columns=columns,
        source_type="POINT",
        position=(3.25, 2.0),
        ra=sky[0],
        dec=sky[1],
        primary=first,
        science=science,
        history=HISTORY,
    )


@pytest.fixture
def make_cube():
    return a_cube


@pytest.fixture
def make_spectrum():
    return a_spectrum


@pytest.fixture
def make_grid():
    return a_grid
