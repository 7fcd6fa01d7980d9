"""The spectrum viewer without a browser: traits in, marks and files out."""

import sys
from pathlib import Path

import numpy as np
import pytest
import traitlets
from astropy import units as u
from astropy.table import QTable, Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from spectra import spectrum_of

from mrsnb.core.curve import make_curve
from mrsnb.core.dq import DQ
from mrsnb.errors import InputError, OutputError, ParamError
from mrsnb.io.x1d import read_x1d, write_x1d
from mrsnb.viewers import viewer_traits
from mrsnb.viewers.spectrum import SpectrumViewer
from mrsnb.viewers.spectrum_curves import curves_of, named
from mrsnb.viewers.spectrum_readout import nearest_samples, readout

CENTRE = 9.66491 * 1.002
BANDS = {"2A": (7.51, 8.77, 1.0), "2B": (8.67, 10.13, 0.9), "2C": (10.01, 11.70, 1.1)}


def band(name, *, hostile="", seed=0):
    """Return a band of a source of 1 Jy with the line H2 S(3) of redshift 0.002, wrong by a factor."""
    low, high, factor = BANDS[name]
    wave = np.arange(low, high, 0.0013)
    noise = 0.002 * np.random.default_rng(seed).standard_normal(wave.size)
    flux = (1 + 0.5 * np.exp(-0.5 * ((wave - CENTRE) / 0.003) ** 2) + noise) / factor
    n = np.full(wave.size, 60.0)
    dq = np.zeros(wave.size, np.uint32)
    dq[5], dq[9] = DQ.OUTLIER, DQ.DO_NOT_USE
    return spectrum_of(
        wave, band=name, name=f"star{hostile}_ch{name}_x1d.fits", flux=flux, flux_error=0.002 / factor, dq=dq,
        surf_bright=flux / (60 * 4e-12 * 1e6), sb_error=0.01, npixels=n,
    )  # fmt: skip


@pytest.fixture
def viewer():
    made = SpectrumViewer([band(name) for name in BANDS])
    yield made
    made.close()


def test_a_range_is_measured_at_once(viewer):
    viewer.line_lists = ("H2",)
    viewer.redshift = 0.002
    viewer.range = (9.62, 9.75) * u.um
    [entry] = viewer._table.pending
    assert (entry.spectrum, entry.line.name, entry.unit) == ("2B", "H2 S(3)", "W/m2")
    assert entry.measured.gaussian.centre.value == pytest.approx(CENTRE, abs=3e-5)
    assert abs(entry.speed) < 2
    area = 0.5 / 0.9 * 0.003 * np.sqrt(2 * np.pi) * u.Jy
    expected = area.to_value(u.W / u.m**2 / u.um, u.spectral_density(CENTRE * u.um))
    assert entry.measured.gaussian.flux.value == pytest.approx(expected, rel=0.02)
    assert viewer._canvas.plot._fit.visible


def test_the_line_is_named_again_when_the_redshift_changes(viewer):
    viewer.line_lists = ("H2",)
    viewer.range = (9.62, 9.75) * u.um
    [row] = viewer._table._rows
    assert "H2 S(3)" in row.children[1].value
    viewer.redshift = 0.1
    assert "H2" not in row.children[1].value
    viewer.redshift = 0.002
    assert abs(viewer._table.pending[0].speed) < 2
    assert viewer._table._rows == [row]


def test_measurements_are_kept_removed_and_saved(viewer, tmp_path):
    seen = []
    viewer.observe(lambda change: seen.append(len(change.new)), "measurements")
    with pytest.raises(OutputError, match="no measurement to save; brush a line"):
        viewer.save(tmp_path / "lines.ecsv")
    viewer.range = (9.62, 9.75) * u.um
    viewer.keep()
    viewer.range = (9.6, 9.8) * u.um
    viewer.keep()
    assert seen == [1, 2]
    [path] = viewer.save(tmp_path / "lines.ecsv")
    table = QTable.read(path)
    assert list(table["line"]) == ["H2 S(3)"] * 2
    assert table["gauss_centre"].unit == u.um
    assert (table["gauss_flux_error"] > 0).all()
    first = viewer._table.children[1].children[0]
    first.click()
    assert len(viewer.measurements) == 1
    assert len(viewer.table) == 1


def test_the_redshift_of_a_line_is_adopted(viewer):
    viewer.line_lists = ("H2",)
    viewer.range = (9.62, 9.75) * u.um
    viewer._controls.adopt.click()
    assert viewer.redshift == pytest.approx(0.002, abs=1e-5)
    assert viewer._controls.redshift.value == viewer._controls.slider.value == viewer.redshift
    viewer._controls.redshift.value = -5.0
    assert viewer.redshift == pytest.approx(0.002, abs=1e-5)
    assert "greater than -1" in viewer._controls.readout.value
    viewer.redshift = 2.5
    assert viewer._controls.slider.value == 2.5


def test_bands_are_stitched(viewer):
    viewer.stitched = True
    assert [scale.factor for scale in viewer.scales.values()] == pytest.approx([1, 0.9, 1.1], rel=2e-3)
    viewer._controls.reference.value = 1
    assert viewer.scales["2B"].factor == 1
    assert viewer._controls.chips[0].description.endswith("1.112")
    viewer.stitched = False
    assert viewer._controls.chips[0].description == "2A"


@pytest.mark.parametrize("unit", ["mJy", "MJy/sr", "W/m2/um", "nuFnu W/m2"])
def test_units(viewer, unit):
    viewer.range = (9.62, 9.75) * u.um
    before = viewer._table.pending[0].measured.gaussian.flux
    viewer.unit = unit
    assert viewer._controls.unit.value == unit
    assert unit in viewer._canvas.plot.flux_axis.label
    assert viewer._table.pending[0].measured.gaussian.flux == before
    fit, flux = viewer._canvas.plot._fit.y, viewer._values[1][0]
    assert np.nanmax(fit) == pytest.approx(np.nanmax(flux), rel=0.05)


def test_columns_bring_their_units(viewer):
    viewer.column = "SURF_BRIGHT"
    assert viewer.unit == "Jy"  # the area is known
    lone = make_curve("x", [5.0, 6.0], {"FLUX": ([1.0, 2.0], None, "Jy"), "SURF_BRIGHT": ([1.0, 2.0], None, "MJy/sr")})
    other = SpectrumViewer(lone)
    other.column = "SURF_BRIGHT"
    assert other.unit == "MJy/sr"
    with pytest.raises(ParamError, match="unit = 'Jy': the area of the aperture is not known; allowed: MJy/sr"):
        other.unit = "Jy"
    with pytest.raises(ParamError, match="column = 'FLOX' cannot be shown; did you mean 'FLUX'"):
        other.column = "FLOX"
    other.close()


def test_range_and_wavelength_take_any_unit_and_nothing_else(viewer):
    viewer.range = [9800, 9600] * u.nm
    assert viewer.range.unit == u.um
    assert viewer.range.value.tolist() == [9.6, 9.8]
    viewer.wavelength = (30 * u.THz).to(u.THz)
    assert viewer.wavelength.to_value(u.um) == pytest.approx(9.993, abs=1e-3)
    assert viewer._canvas.plot._marker.visible
    for name, wrong in (("range", 3), ("range", (1, 2) * u.kg), ("range", (1, 1) * u.um), ("wavelength", 12.8),
                        ("wavelength", -1 * u.um), ("wavelength", [1, 2] * u.um)):  # fmt: skip
        with pytest.raises(ParamError, match=f"{name} = .*must be"):
            setattr(viewer, name, wrong)
    viewer.range = None
    assert viewer._table.pending == ()
    assert not viewer._canvas.plot._fit.visible


def test_the_slice_marker_can_be_linked(viewer):
    class Cube(traitlets.HasTraits):
        wavelength = viewer_traits.WaveTrait()

    cube = Cube()
    traitlets.dlink((cube, "wavelength"), (viewer, "wavelength"))
    cube.wavelength = 9.7 * u.um
    assert viewer.wavelength == 9.7 * u.um
    assert viewer._canvas.plot._marker.x.tolist() == [9.7, 9.7]


def test_curves_are_hidden_and_shown(viewer):
    chip = viewer._controls.chips[1]
    chip.value = False
    assert not viewer._canvas.plot._curves[1].visible
    viewer.range = (9.62, 9.75) * u.um
    assert viewer._table.pending == ()
    chip.value = True
    assert viewer._canvas.plot._curves[1].visible


@pytest.mark.parametrize("which", ["log_flux", "log_wave"])
def test_axes_change_and_keep_what_is_shown(viewer, which):
    viewer.view = (9.0, 10.0) * u.um
    viewer.range = (9.62, 9.75) * u.um
    viewer.line_lists = ("H2",)
    getattr(viewer._controls, which).value = True
    assert viewer.view.value == pytest.approx([9.0, 10.0])
    assert viewer._canvas.plot._fit.visible
    assert viewer._canvas.plot._range.visible
    assert list(viewer._canvas.plot._names.text) == ["H2 S(3)"]


def test_nothing_leaks_when_axes_and_rows_change(viewer):
    from ipywidgets.widgets import widget

    def toggle():
        for value in (True, False):
            viewer._controls.log_flux.value = value
            viewer.range = (9.62, 9.75) * u.um
            viewer.range = None

    toggle()
    before = len(widget._instances)
    for _ in range(3):
        toggle()
    assert len(widget._instances) == before


def test_what_is_under_the_cursor(viewer):
    viewer._controls.mode.value = "Inspect"
    viewer._canvas.plot.cursor.selected = np.array([8.7])
    text = viewer._controls.readout.value
    assert "<b>8.70000</b> micron" in text
    assert text.count("Jy") == 2
    samples = nearest_samples(7.5169, list(zip(viewer.data.names, viewer.data.curves, viewer._values, strict=True)))
    assert "OUTLIER" in readout(7.5, 0.0, samples, "Jy")
    viewer._controls.slice.click()
    assert viewer.wavelength == 8.7 * u.um


@pytest.mark.parametrize("log", [False, True])
def test_keys_zoom_about_the_marker(viewer, log):
    viewer._controls.log_wave.value = log
    viewer.view = (8.0, 11.0) * u.um
    viewer.wavelength = 9.0 * u.um
    viewer._controls.closer.click()
    low, high = viewer.view.value
    forward = np.log if log else float
    assert forward(high) - forward(low) == pytest.approx((forward(11.0) - forward(8.0)) / 1.5)
    assert low < 9.0 < high
    viewer._controls.farther.click()
    assert viewer.view.value == pytest.approx([8.0, 11.0])


def test_flags_are_marked(viewer):
    assert len(viewer._canvas.plot._flags.x) == 6
    viewer._controls.flags.value = False
    assert len(viewer._canvas.plot._flags.x) == 0


def test_files(viewer, tmp_path):
    [png] = viewer.save(tmp_path / "a.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    [csv] = viewer.save(tmp_path / "a.csv")
    table = Table.read(csv)
    assert len(table) == sum(len(curve.wave) for curve in viewer.data.curves)
    viewer.stitched = True
    paths = viewer.save(tmp_path)
    assert [path.name for path in paths] == [
        "star_ch2A_x1d.fits", "star_ch2B_scaled_x1d.fits", "star_ch2C_scaled_x1d.fits",
    ]  # fmt: skip
    scaled = read_x1d(paths[1])
    assert np.median(scaled.flux) == pytest.approx(1.0, abs=0.01)
    assert scaled.history["band_scale"]["factor"] == pytest.approx(viewer.scales["2B"].factor)
    with pytest.raises(ParamError, match=r"must end in \.png, \.csv or \.ecsv, or be a folder"):
        viewer.save(tmp_path / "a.jpg")


def test_it_leaves_a_picture_where_no_kernel_is(viewer):
    alone, about = viewer._repr_mimebundle_()
    assert about["image/png"]["width"] == 900
    assert alone["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in alone
    viewer.range = (viewer.view[0] + 0.2 * u.um, viewer.view[0] + 0.4 * u.um)
    fitted = viewer._repr_mimebundle_()[0]["image/png"]
    viewer.view = (1, 2) * u.um
    nothing = viewer._repr_mimebundle_()[0]["image/png"]
    assert len({alone["image/png"], fitted, nothing}) == 3


def test_the_save_buttons_say_what_happened(viewer, tmp_path):
    viewer._controls.file.value = str(tmp_path / "shot")
    viewer._controls.save["png"].click()
    assert (tmp_path / "shot.png").exists()
    assert "written: " in viewer._controls.readout.value
    viewer._controls.file.value = str(tmp_path / "missing" / "shot")
    viewer._controls.save["csv"].click()
    assert "mrsnb-wrong" in viewer._controls.readout.value


@pytest.mark.parametrize(
    "curve",
    [
        make_curve("empty", [], {"FLUX": ([], [], "Jy")}),
        make_curve("one", [5.0], {"FLUX": ([1.0], [0.1], "Jy")}),
        make_curve("nan", [5.0, 6.0, 7.0], {"FLUX": ([np.nan] * 3, None, "Jy")}),
        make_curve("same", [5.0, 5.0, 5.0], {"FLUX": ([1.0, 2.0, 3.0], None, "Jy")}),
        make_curve("negative", np.arange(5.0, 9), {"FLUX": ([-1.0, -2, -3, -4], None, "Jy")}),
    ],
    ids=lambda curve: curve.label,
)
def test_poor_spectra_break_nothing(curve, tmp_path):
    viewer = SpectrumViewer([curve])
    viewer.line_lists = ("PAH", "H I")
    for log in (True, False):
        viewer._controls.log_flux.value = viewer._controls.log_wave.value = log
    viewer.stitched = True
    viewer.range = (4.0, 30.0) * u.um
    viewer.unit = "mJy"
    viewer.save(tmp_path / "a.png")
    viewer.save(tmp_path / "a.csv")
    viewer.close()


def test_spectra_of_different_units_share_an_axis():
    two = [
        make_curve("a", [5.0, 6.0], {"FLUX": ([1.0, 2.0], None, "Jy")}),
        make_curve("b", [5.0, 6.0], {"FLUX": ([1000.0, 2000.0], None, "mJy")}),
    ]
    viewer = SpectrumViewer(two)
    assert viewer._values[1][0] == pytest.approx([1.0, 2.0])
    viewer.close()


def test_hostile_names_are_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    curve = make_curve(evil, np.linspace(9.5, 9.8, 50), {"FLUX": (np.ones(50), None, "Jy")}, name=evil)
    viewer = SpectrumViewer([curve])
    viewer.range = (9.5, 9.8) * u.um
    viewer._controls.mode.value = "Inspect"
    viewer._canvas.plot.cursor.selected = np.array([9.6])
    html = viewer._controls.readout.value + "".join(row.children[1].value for row in viewer._table.children)
    assert "&lt;img" in html
    assert "<img" not in html
    viewer.save(tmp_path / "a.png")
    viewer.close()


def test_what_can_be_shown(tmp_path):
    from astropy.nddata import StdDevUncertainty
    from specutils import Spectrum as Other

    path = write_x1d(band("2A"), tmp_path)
    write_x1d(band("2B"), tmp_path)
    table = QTable({"Wavelength": [5, 6] * u.um, "FLUX": [1, 2] * u.mJy, "err": [1, 1] * u.mJy})
    table.write(tmp_path / "t.ecsv")
    (tmp_path / "plain.csv").write_text("wave,flux\n5,1\n6,2\n")
    other = Other(flux=[1, 2] * u.Jy, spectral_axis=[5, 6] * u.um, uncertainty=StdDevUncertainty([0.1, 0.1]))
    assert [curve.label for curve in curves_of(tmp_path)] == ["2A", "2B"]
    assert [curve.label for curve in curves_of([str(path), tmp_path / "t.ecsv", other, table])] == [
        "2A", "t", "spectrum", "table",
    ]  # fmt: skip
    assert curves_of(tmp_path / "plain.csv", "Jy")[0].columns["FLUX"].unit == "Jy"
    for wrong, message in (
        (tmp_path / "plain.csv", "plain.csv: column flux has no unit; say it with flux_unit="),
        (3, "int is no spectrum"),
        (tmp_path / "none.fits", "none.fits"),
        (Table({"a": [1]}), "no column of wavelength and flux"),
    ):
        with pytest.raises(InputError, match=message):
            curves_of(wrong)
    with pytest.raises(InputError, match="no spectrum to show"):
        SpectrumViewer([])


def test_curves_of_the_same_band_are_told_apart():
    one, two = band("2A"), band("2A", hostile="2")
    assert named(curves_of([one, two])) == ["2A star_ch2A_x1d", "2A star2_ch2A_x1d"]
    assert named(curves_of([one, one])) == ["2A star_ch2A_x1d #1", "2A star_ch2A_x1d #2"]


@pytest.mark.shared
def test_flight_spectra(shared):
    paths = sorted((shared / "data" / "flight").glob("VV114*_s1d.fits"))
    viewer = SpectrumViewer(paths)
    assert viewer.data.names[:2] == ["ch1_SHORT", "ch1_MEDIUM"]
    assert len(viewer.data.names) == 12
    viewer.unit = "W/m2/um"
    viewer.stitched = True
    assert all(0.5 < scale.factor < 2 for scale in viewer.scales.values())
    viewer.close()
