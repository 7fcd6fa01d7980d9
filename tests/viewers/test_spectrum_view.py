"""`view` opens spectra in the spectrum viewer, and leaves the rest alone."""

import sys
from functools import singledispatch
from pathlib import Path

import numpy as np
import pytest
from astropy.table import QTable

sys.path.insert(0, str(Path(__file__).parents[1]))
from spectra import spectrum_of

from mrsnb.core.curve import curve_of
from mrsnb.io.x1d import write_x1d
from mrsnb.viewers.spectrum import SpectrumViewer
from mrsnb.viewers.spectrum_view import register


@singledispatch
def view(thing, **options):
    return "other", thing, options


register(view)


def test_spectra_are_opened(tmp_path):
    spectrum = spectrum_of(np.linspace(5.0, 5.7, 30))
    path = write_x1d(spectrum, tmp_path)
    table = tmp_path / "t.ecsv"
    QTable({"wave": [5.0, 6.0], "flux": [1.0, 2.0]}).write(table)
    for thing in (spectrum, curve_of(spectrum), path, str(path), tmp_path, [path, spectrum], (spectrum,)):
        viewer = view(thing, height=300)
        assert isinstance(viewer, SpectrumViewer)
        viewer.close()
    viewer = view(table, flux_unit="Jy")
    assert viewer.unit == "Jy"
    viewer.close()


@pytest.mark.parametrize("thing", [3, "target_s3d.fits", "asn.json", [], [3], Path("none.fits")])
def test_the_rest_is_left_alone(thing):
    assert view(thing, a=1) == ("other", thing, {"a": 1})


def test_a_folder_with_cubes_is_left_to_the_cube_viewer(tmp_path):
    write_x1d(spectrum_of(np.linspace(5.0, 5.7, 30)), tmp_path)
    (tmp_path / "a_s3d.fits").touch()
    assert view(tmp_path)[0] == "other"
