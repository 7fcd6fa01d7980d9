"""`view` picks the viewer of whatever it is given, of ours and of other packages."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty, VarianceUncertainty
from astropy.table import QTable
from astropy.wcs import WCS
from cubes import a_cube, celestial, write_cube
from spectra import spectrum_of
from specutils import Spectrum, SpectrumList

import mrsnb
from mrsnb.core.curve import curve_of, make_curve
from mrsnb.core.layers import CubeLayers
from mrsnb.errors import InputError
from mrsnb.io.layers import open_cube
from mrsnb.io.s3d import read_s3d, write_s3d
from mrsnb.io.x1d import read_x1d, write_x1d
from mrsnb.viewers.cube import CubeViewer
from mrsnb.viewers.spectrum import SpectrumViewer

RNG = np.random.default_rng(4)
CUBE = a_cube(1 + RNG.random((6, 9, 11)), rotation=20.0)
SPECTRUM = spectrum_of(np.linspace(5.0, 5.7, 30))


@pytest.fixture
def view():
    """`mrsnb.view`, whose viewers are closed at the end."""
    made = []

    def opened(thing, **options):
        made.append(mrsnb.view(thing, **options))
        return made[-1]

    yield opened
    for viewer in made:
        viewer.close()


def written(tmp_path):
    folder = tmp_path / "products"
    folder.mkdir()
    return write_s3d(CUBE, folder), write_x1d(SPECTRUM, folder)


CUBES = {
    "Cube": read_s3d,
    "layers": open_cube,
    "path": lambda path: path,
    "text": str,
    "folder": lambda path: path.parent,
    "list": lambda path: [path],
    "tuple": lambda path: (read_s3d(path),),
    "HDUList": fits.open,
    "HDUList in memory": lambda path: fits.HDUList([hdu.copy() for hdu in fits.open(path)]),
    "NDData": lambda path: read_s3d(path).to_nddata(),
    "NDData in a list": lambda path: [read_s3d(path).to_nddata()],
    "CCDData": lambda path: CCDData(read_s3d(path).to_nddata()),
    "specutils": lambda path: read_s3d(path).to_specutils(),
    "what specutils reads": Spectrum.read,
    "what astropy reads": lambda path: CCDData.read(path, hdu="SCI", hdu_uncertainty="ERR"),
}


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("make", CUBES.values(), ids=CUBES)
def test_a_cube_in_any_form_is_the_same_cube(view, tmp_path, make):
    path, _ = written(tmp_path)
    viewer = view(make(path))
    assert isinstance(viewer, CubeViewer)
    wanted = CubeLayers.of(CUBE)
    assert np.array_equal(viewer.cube.flux.read(...), CUBE.flux)
    assert viewer.cube.err.read(2) == pytest.approx(CUBE.err[2])
    for name in ("ra", "dec", "spaxel_size", "rotation"):
        assert getattr(viewer.cube.grid, name) == pytest.approx(getattr(wanted.grid, name), rel=1e-6)
    assert viewer.cube.grid.wave == pytest.approx(wanted.grid.wave, rel=1e-6)
    assert viewer.cube.is_surface_brightness
    assert viewer.spectra[0]["flux"].unit.is_equivalent(u.Jy)


SPECTRA = {
    "Spectrum": lambda _: SPECTRUM,
    "curve": lambda _: curve_of(SPECTRUM),
    "path": lambda path: path,
    "text": str,
    "list": lambda path: [path, SPECTRUM],
    "tuple": lambda path: (read_x1d(path),),
    "specutils": lambda _: SPECTRUM.to_specutils(),
    "SpectrumList": lambda _: SpectrumList([SPECTRUM.to_specutils(), SPECTRUM.to_specutils()]),
    "HDUList": fits.open,
    "table": lambda _: QTable({"wavelength": SPECTRUM.wave * u.um, "flux": SPECTRUM.flux * u.Jy}),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("make", SPECTRA.values(), ids=SPECTRA)
def test_a_spectrum_in_any_form_is_the_same_spectrum(view, tmp_path, make):
    _, path = written(tmp_path)
    viewer = view(make(path))
    assert isinstance(viewer, SpectrumViewer)
    assert viewer.data.curves[0].wave == pytest.approx(SPECTRUM.wave)
    assert viewer.data.curves[0].values("FLUX", "Jy")[0] == pytest.approx(SPECTRUM.flux)


def test_a_folder_of_spectra(view, tmp_path):
    write_x1d(SPECTRUM, tmp_path)
    assert isinstance(view(tmp_path), SpectrumViewer)
    (tmp_path / "t.ecsv").write_text("")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no _s3d, _x1d, _crf or _cal file in this folder"):
        view(empty)


def test_images_of_a_cube_are_cubes_of_one_plane(view):
    image = CUBE.to_ccddata(CUBE.grid.wave[1] * u.um, CUBE.grid.wave[3] * u.um)
    viewer = view(image)
    assert viewer.cube.shape == (1, 9, 11)
    assert viewer.cube.grid.wave == pytest.approx(CUBE.grid.wave[2:3])
    assert viewer.cube.flux.read(0) == pytest.approx(CUBE.flux[1:4].mean(axis=0))


@pytest.mark.parametrize("uncertainty", [StdDevUncertainty, VarianceUncertainty])
def test_cubes_of_others(view, tmp_path, uncertainty):
    path = write_cube(tmp_path / "a.fits", {"DATA": CUBE.flux}, celestial())
    given = CUBE.err if uncertainty is StdDevUncertainty else CUBE.err**2
    mask = CUBE.flux > 1.5
    other = NDData(
        CUBE.flux, wcs=WCS(fits.getheader(path, "DATA")), uncertainty=uncertainty(given), mask=mask, unit="adu"
    )
    viewer = view(other)
    cube = viewer.cube
    assert (cube.unit, cube.bands) == ("adu", ())
    assert cube.err.read(...) == pytest.approx(CUBE.err, rel=1e-6)
    assert np.array_equal(cube.dq.read(...) & cube.bad_bits > 0, mask)
    assert cube.grid.wave == pytest.approx(open_cube(path).grid.wave)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (3, "int: no viewer of such a thing"),
        ({}, "dict: no viewer"),
        (None, "NoneType: no viewer"),
        ([], "no cube given"),
        ([3], "int is no cube"),
        (np.zeros((2, 2, 2)), "ndarray: no viewer"),
        ("none_s3d.fits", "no such file"),
        ("asn.json", "asn.json"),
        (NDData(np.zeros((2, 2, 2))), r"shape \(2, 2, 2\), WCS NoneType; needs a WCS"),
        (CCDData(np.zeros((2, 2)), unit="Jy"), r"shape \(2, 2\), WCS NoneType; needs a WCS"),
        (fits.HDUList([fits.PrimaryHDU()]), "no cube"),
        (SimpleNamespace(spectral_axis=1), "SimpleNamespace: no viewer"),
    ],
)
def test_anything_else_is_refused_in_a_line(thing, message):
    with pytest.raises(InputError, match=message) as error:
        mrsnb.view(thing)
    assert "\n" not in str(error.value)


def test_viewers_are_named_in_a_short_line(view):
    assert repr(view(CUBE)) == "<CubeViewer 1A>"
    assert repr(view(SPECTRUM)) == "<SpectrumViewer 1A>"
    many = view([curve_of(spectrum_of(SPECTRUM.wave, name=f"a_star_of_a_long_name_{i}_x1d.fits")) for i in range(30)])
    assert len(repr(many)) < 100
    assert repr(many).endswith(" more>")
    assert (
        view([make_curve("a\x1b[31m\n", SPECTRUM.wave, {"FLUX": (SPECTRUM.flux, None, "Jy")})]).__repr__().isprintable()
    )
