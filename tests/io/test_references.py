"""Reference values: files in the official layout, defaults, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest
from reference_files import apcorr, asdf_text, cubepar_hdus, extract1d

from mrsnb.core.bands import ALL_BANDS, SUB_BANDS, Band
from mrsnb.errors import InputError
from mrsnb.io.default_references import single
from mrsnb.io.references import load_references


def test_the_defaults_are_complete():
    references = load_references()
    pars = references.cubepar
    assert len(pars.sampling) == len(pars.msm) == len(pars.emsm) == 4 * len(SUB_BANDS) == 36
    for channel in (1, 2, 3, 4):
        for sub_band in SUB_BANDS:
            band = Band(channel, sub_band)
            assert pars.sampling_of(band) == pars.sampling_of(Band.from_name(band.name))
            assert pars.msm_of(band).roi_spatial < pars.emsm_of(band).roi_spatial
    assert all("built-in" in source for source in references.sources().values())


def test_numbers_are_those_of_single_precision():
    sampling = load_references().cubepar.sampling_of(Band(1, "short"))
    assert sampling.spaxel_size == 0.12999999523162842
    assert sampling.spectral_step == 0.0007999999797903001
    assert (sampling.wave_min, sampling.wave_max) == (single(4.9), single(5.74))
    n = np.ceil((sampling.wave_max - sampling.wave_min) / sampling.spectral_step)
    assert n == 1050


def test_default_bands_cover_the_instrument_in_order():
    rows = [load_references().cubepar.sampling_of(band) for band in ALL_BANDS]
    for shorter, longer in pairwise(rows):
        assert shorter.wave_min < longer.wave_min < shorter.wave_max < longer.wave_max


def test_default_planes_of_several_bands():
    pars = load_references().cubepar
    assert len(pars.multi_wave) == 10396
    assert pars.multi_wave[0] == single(4.9)
    assert pars.multi_wave[-1] < 28.7
    assert (np.diff(pars.multi_wave) > 0).all()
    for column in (*pars.multi_msm, *pars.multi_emsm):
        assert column.shape == pars.multi_wave.shape
        assert not column.flags.writeable


def test_default_apertures_make_sense():
    references = load_references()
    pars, correction = references.extract1d, references.apcorr
    assert (pars.radius < pars.inner_bkg).all()
    assert (pars.inner_bkg < pars.outer_bkg).all()
    np.testing.assert_allclose(pars.radius, 2 * (0.033 * pars.wave + 0.106), rtol=1e-6)
    assert (pars.method, pars.subpixels, pars.subtract_background) == ("subpixel", 10, True)
    assert (correction.apcorr > 1).all()
    assert (np.diff(correction.radius, axis=0) > 0).all()
    assert (np.diff(correction.apcorr[:3], axis=0) < 0.001).all()
    published = [1.324, 1.171, 1.117, 1.094, 1.076]
    np.testing.assert_allclose(correction.apcorr[:, 0], published, atol=6e-4)


def test_default_leak_peaks_where_published():
    leak = load_references().mrsptcorr
    assert leak.fraction.max() == pytest.approx(0.0275, abs=1e-4)
    assert leak.wave[leak.fraction.argmax()] == pytest.approx(12.217, abs=0.003)
    assert (leak.fraction >= 0).all()


@pytest.mark.shared
def test_defaults_equal_the_reconstructed_files(shared):
    mine, files = load_references(), load_references(shared / "data" / "references")
    assert mine.cubepar.sampling == files.cubepar.sampling
    assert mine.cubepar.msm == files.cubepar.msm
    assert mine.cubepar.emsm == files.cubepar.emsm
    np.testing.assert_array_equal(mine.cubepar.multi_wave, files.cubepar.multi_wave)
    for a, b in (
        (mine.cubepar.multi_msm, files.cubepar.multi_msm),
        (mine.cubepar.multi_emsm, files.cubepar.multi_emsm),
    ):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=2e-7)
    wave = files.extract1d.wave
    for name in ("radius", "inner_bkg", "outer_bkg"):
        found = np.interp(wave, mine.extract1d.wave, getattr(mine.extract1d, name))
        np.testing.assert_allclose(found, getattr(files.extract1d, name), rtol=1e-6)
    for a, b in zip(mine.apcorr.apcorr, files.apcorr.apcorr, strict=True):
        np.testing.assert_allclose(np.interp(files.apcorr.wave, mine.apcorr.wave, a), b, atol=2.5e-4)
    leak = np.interp(files.mrsptcorr.wave, mine.mrsptcorr.wave, mine.mrsptcorr.fraction)
    np.testing.assert_allclose(leak, files.mrsptcorr.fraction, atol=4e-5)
    assert files.sources()["cubepar"].startswith("cubepar.fits (sha256:")
    assert files.sources()["apcorr"].startswith("apcorr.asdf (sha256:")


@pytest.mark.parametrize("kind", ["E", "D"])
@pytest.mark.parametrize("channel", ["I", "3A"])
def test_columns_of_either_precision(tmp_path, kind, channel):
    hdus = cubepar_hdus(kind, channel)
    hdus.writeto(tmp_path / "cubepar.fits")
    pars = load_references(tmp_path).cubepar
    assert pars.sampling_of(Band(1, "short")) == (0.12999999523162842, 0.0007999999797903001, single(4.9), single(5.74))
    assert pars.multi_wave.tolist() == [single(4.9), 5.0]
    assert pars.multi_msm is None
    with pytest.raises(InputError, match=r"cubepar.fits \(sha256:.*no sampling for channel 1, long"):
        pars.sampling_of(Band(1, "long"))
    with pytest.raises(InputError, match="no msm weights"):
        pars.msm_of(Band(1, "short"))


def test_nonsense_in_a_row_is_refused_when_it_is_used(tmp_path):
    hdus = cubepar_hdus()
    hdus["CUBEPAR"].data["SPAXELSIZE"] = -0.13
    hdus.writeto(tmp_path / "cubepar.fits")
    with pytest.raises(InputError, match="makes no sense"):
        load_references(tmp_path).cubepar.sampling_of(Band(1, "short"))


def test_what_a_directory_lacks_is_default(tmp_path):
    (tmp_path / "jwst_miri_extract1d_0004.asdf").write_text(extract1d())
    references = load_references(tmp_path)
    assert references.extract1d.source.startswith("jwst_miri_extract1d_0004.asdf (sha256:")
    assert references.extract1d.radius.tolist() == [0.5, single(0.6)]
    assert (references.extract1d.method, references.extract1d.subpixels) == ("exact", 5)
    assert references.extract1d.subtract_background is False
    assert "built-in" in references.cubepar.source


def test_the_plain_name_is_preferred(tmp_path):
    (tmp_path / "apcorr.asdf").write_text(apcorr())
    (tmp_path / "apcorr_other.asdf").write_text("")
    assert load_references(tmp_path).apcorr.apcorr.tolist() == [[1.5, single(1.4)], [single(1.2), single(1.1)]]


def test_an_override_comes_before_all(tmp_path):
    (tmp_path / "apcorr.asdf").write_text(apcorr())
    (tmp_path / "mine").write_text(apcorr(apcorr=[[2.0, 2.0], [1.0, 1.0]]))
    references = load_references(tmp_path, {"apcorr": tmp_path / "mine"})
    assert references.apcorr.apcorr[0, 0] == 2.0


@pytest.mark.parametrize("word", ["none", "N/A", "None"])
def test_no_correction_at_all(word):
    references = load_references(overrides={"apcorr": word, "mrsptcorr": word})
    assert references.apcorr is None
    assert references.mrsptcorr is None
    assert references.sources()["apcorr"] == "none"


def test_binary_blocks_are_read(tmp_path):
    import asdf

    tree = {
        "apcorr_table": {"wavelength": np.array([5.0, 6.0], "f4"), "radius": np.ones((2, 2)), "apcorr": np.ones((2, 2))}
    }
    tree["apcorr_table"]["radius"] *= np.array([[0.5], [1.0]])
    asdf.AsdfFile(tree).write_to(tmp_path / "apcorr.asdf")
    assert load_references(tmp_path).apcorr.radius.tolist() == [[0.5, 0.5], [1.0, 1.0]]


REFUSED = {
    "no such directory": ({}, {}, "no such directory"),
    "nothing there": (
        {"readme.txt": ""},
        {},
        "no reference files; it should hold some of cubepar.fits, extract1d.asdf",
    ),
    "several": (
        {"a_apcorr.asdf": "", "b_apcorr.asdf": ""},
        {},
        r"several files for apcorr \(a_apcorr.asdf, b_apcorr.asdf\)",
    ),
    "unknown kind": (None, {"cubepars": "x"}, "reference 'cubepars' is not used by mrsnb; did you mean 'cubepar'"),
    "cubepar off": (None, {"cubepar": "none"}, "cannot be switched off"),
    "missing file": (None, {"cubepar": "/no/such.fits"}, "/no/such.fits"),
    "missing asdf": (None, {"apcorr": "/no/such.asdf"}, "cannot be read: No such file"),
    "not asdf": ({"apcorr.asdf": "hello"}, {}, "not an ASDF file"),
    "not fits": ({"cubepar.fits": "hello" * 1000}, {}, "cubepar.fits: not a readable FITS file"),
    "other tree": ({"apcorr.asdf": asdf_text(a=1)}, {}, "no 'apcorr_table'"),
    "no radius": ({"extract1d.asdf": extract1d(data={"wavelength": [1, 2]})}, {}, "no 'radius'"),
    "falling": ({"extract1d.asdf": extract1d(wavelength=[6.0, 5.0])}, {}, "do not rise"),
    "text for numbers": ({"extract1d.asdf": extract1d(radius="wide")}, {}, "radius cannot be read"),
    "units": ({"extract1d.asdf": extract1d(radius_units="pixel")}, {}, "radius_units = 'pixel'; expected arcsec"),
    "method": ({"extract1d.asdf": extract1d(method="subpixels")}, {}, "'subpixels'; did you mean 'subpixel'"),
    "shapes": ({"extract1d.asdf": extract1d(radius=[0.5])}, {}, r"shapes differ: wavelength \(2,\), radius \(1,\)"),
    "flat radii": ({"apcorr.asdf": apcorr(radius=[0.5, 0.6], apcorr=[1.0, 1.0])}, {}, "expected .at least 2 radii"),
}


@pytest.mark.parametrize(("files", "overrides", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line(tmp_path, files, overrides, message):
    directory = None if files is None else tmp_path / "refs"
    if files:
        directory.mkdir()
        for name, content in files.items():
            (directory / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        load_references(directory, overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda hdus: hdus.pop(1), "no table CUBEPAR"),
        (lambda hdus: setattr(hdus[1].columns["WAVEMAX"], "name", "WAVE_MAX"), "table CUBEPAR has no column WAVEMAX"),
        (lambda hdus: setattr(hdus[1].columns["CHANNEL"], "name", "CH"), "columns CHANNEL and BAND"),
    ],
)
def test_a_cubepar_file_that_is_none(tmp_path, edit, message):
    hdus = cubepar_hdus()
    edit(hdus)
    hdus.writeto(tmp_path / "cubepar.fits")
    with pytest.raises(InputError, match=message):
        load_references(tmp_path)


def test_text_and_html_name_the_sources(tmp_path):
    (tmp_path / "a<b>apcorr.asdf").write_text(apcorr())
    bundle = load_references(tmp_path)._repr_mimebundle_()
    assert "a<b>apcorr.asdf" in bundle["text/plain"]
    assert "a&lt;b&gt;apcorr.asdf" in bundle["text/html"]


@pytest.mark.parametrize("value", [0, -1, 10**9, 2.5, "ten", None, [1], {}])
def test_subpixels_that_make_no_sense_are_refused(tmp_path, value):
    (tmp_path / "extract1d.asdf").write_text(extract1d(subpixels=value))
    with pytest.raises(InputError, match="must be a whole number from 1 to 100"):
        load_references(tmp_path)


def test_a_number_beyond_all_bounds_is_refused(tmp_path):
    (tmp_path / "apcorr.asdf").write_text(apcorr(wavelength=[1, 10**400]))
    with pytest.raises(InputError, match=r"apcorr\.asdf: wavelength cannot be read"):
        load_references(tmp_path)
