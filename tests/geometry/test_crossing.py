"""Where slices of one exposure look in another: there and back over the sky."""

from dataclasses import replace

import numpy as np
import pytest
from flight import asdf_bytes

from mrsnb.core.bands import Band
from mrsnb.geometry.crossing import N_NODES, crossing, separation, slice_lines
from mrsnb.geometry.detector import channel_view
from mrsnb.geometry.tangent import to_plane
from mrsnb.io.asdf_tree import read_tree
from mrsnb.io.chain import compile_chain
from mrsnb.simulate.exposure_wcs import Pointing, exposure_wcs
from mrsnb.simulate.geometry import detector_geometry

POINTINGS = {
    "usual": Pointing(ra=202.4695, dec=47.1952, roll=30.0, offset=(1.1, -0.4)),
    "across RA 0, near the pole": Pointing(ra=0.00001, dec=85.0, roll=301.0),
}


def chain_of(detector, pointing):
    return compile_chain(read_tree(asdf_bytes(exposure_wcs(detector_geometry(detector, "short"), pointing))))


@pytest.fixture(scope="module", params=POINTINGS, ids=list(POINTINGS))
def pointing(request):
    return POINTINGS[request.param]


@pytest.mark.parametrize("name", ["1A", "4A"])
def test_a_crossing_leads_to_the_same_place_on_the_sky(name, pointing):
    band = Band.from_name(name)
    target = channel_view(chain_of(band.detector, pointing), band)
    source = channel_view(
        chain_of(band.detector, replace(pointing, offset=(-0.94, 0.24), roll=pointing.roll + 7)), band
    )
    lines = slice_lines(target)
    way = crossing(lines, slice_lines(source))
    beta = np.interp(way.rank, np.arange(way.order.size), source.beta[way.order])
    inside = (way.rank >= 0) & (way.rank <= way.order.size - 1)
    inside &= (way.alpha > source.samples.alpha.min()) & (way.alpha < source.samples.alpha.max())
    assert inside.mean() > 0.2
    n = int(inside.sum())
    wave = np.full(n, np.mean(band.wave_range))
    ra, dec = source.source.sky(way.alpha[inside], np.arange(n), beta[inside], wave)
    xi, eta = to_plane(ra, dec, *lines.middle)
    expected = to_plane(lines.ra[inside], lines.dec[inside], *lines.middle)
    assert np.hypot(xi - expected[0], eta - expected[1]).max() < 3e-3


def test_an_exposure_crosses_itself_at_its_own_nodes():
    view = channel_view(chain_of("MIRIFUSHORT", POINTINGS["usual"]), Band.from_name("2A"))
    lines = slice_lines(view)
    way = crossing(lines, lines)
    np.testing.assert_allclose(way.alpha, lines.alpha, atol=2e-3)
    np.testing.assert_allclose(view.beta[way.order][np.rint(way.rank).astype(int)[:, 0]], view.beta)
    np.testing.assert_allclose(way.low + way.step * (N_NODES - 1), lines.alpha[:, -1])
    assert (np.diff(view.beta[way.order]) > 0).all()


def test_fields_apart():
    here = POINTINGS["usual"]
    band = Band.from_name("3A")
    lines, beside, far = (
        slice_lines(channel_view(chain_of("MIRIFULONG", replace(here, dec=here.dec + arcsec / 3600)), band))
        for arcsec in (0, 30, 3600)
    )
    assert separation(lines, beside) == pytest.approx(30, abs=0.01)
    assert np.isnan(crossing(lines, beside).alpha).all()
    assert crossing(lines, far) is None
    assert separation(lines, lines) == 0


def test_lines_are_the_same_through_gwcs():
    wcs = exposure_wcs(detector_geometry("MIRIFULONG", "short"), POINTINGS["usual"])
    band = Band.from_name("4A")
    slow = slice_lines(channel_view(wcs, band))
    fast = slice_lines(channel_view(compile_chain(read_tree(asdf_bytes(wcs))), band))
    for name in ("alpha", "beta", "ra", "dec"):
        np.testing.assert_allclose(getattr(slow, name), getattr(fast, name), rtol=0, atol=1e-8)
