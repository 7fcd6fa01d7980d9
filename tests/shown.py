"""One of everything that shows itself, of real size, its names and keywords as hostile as a file can make them."""

from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from mrsnb.core.association import Association, Member
from mrsnb.core.bands import ALL_BANDS, Band
from mrsnb.core.cards import Card, Cards
from mrsnb.core.changes import Change, Changes, Look
from mrsnb.core.combined import COMBINED_COLUMNS, CombinedSpectra, CombinedSpectrum
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.curve import curve_of
from mrsnb.core.exposure import DerivedExposure, Exposure
from mrsnb.core.images import Images
from mrsnb.core.layers import CubeLayers
from mrsnb.core.provenance import Provenance
from mrsnb.core.quality import ExposureFigures, cube_figures, observed, quality, spectrum_figures
from mrsnb.core.quality.check import Check, recorded_doubts
from mrsnb.core.region import parse_ds9
from mrsnb.core.spectrum import COLUMNS, Spectrum
from mrsnb.demo import Demo
from mrsnb.download import Download, Got
from mrsnb.io.best_references import Fetched
from mrsnb.io.compare import Comparison, Difference
from mrsnb.io.exposures import ExposureFile
from mrsnb.io.references import load_references
from mrsnb.io.run_changes import Origins
from mrsnb.io.verify import Verification, VerifiedFile
from mrsnb.pipeline import Spec3Params, Spec3Result
from mrsnb.pipeline.result import ProductSummary
from mrsnb.reports import Report, ReportFiles
from mrsnb.reports.examine import Curve, ProductFile
from mrsnb.rerun import Rerun
from mrsnb.simulate import Scene, SimulatedDataset, SimulateParams
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, AdaptiveTraceModelResult
from mrsnb.steps.adaptive_trace_model.step import Preview as TracePreview
from mrsnb.steps.assign_mtwcs import AssignMtwcsParams, AssignMtwcsResult
from mrsnb.steps.combine_1d import Combine1dParams, Combine1dResult
from mrsnb.steps.cube_build import CubeBuildParams, CubeBuildResult
from mrsnb.steps.cube_build.contributions import Contribution, Contributions
from mrsnb.steps.extract_1d import Extract1dParams, Extract1dResult
from mrsnb.steps.extract_1d.centre import Centre
from mrsnb.steps.master_background import MasterBackgroundParams, MasterBackgroundResult
from mrsnb.steps.mrs_imatch import BackgroundPolynomial, MrsImatchParams, MrsImatchResult
from mrsnb.steps.outlier_detection import OutlierDetectionParams, OutlierDetectionResult
from mrsnb.steps.outlier_detection.masks import Mask
from mrsnb.steps.outlier_detection.result import Preview
from mrsnb.steps.pixel_replace import PixelReplaceParams, PixelReplaceResult, ReplaceCount
from mrsnb.steps.pixel_replace import Preview as ReplacePreview
from mrsnb.steps.residual_fringe import ResidualFringeParams, ResidualFringeResult
from mrsnb.steps.residual_fringe.result import FamilyFit
from mrsnb.steps.spectral_leak import SpectralLeakParams, SpectralLeakResult
from mrsnb.template_cells import TemplateParam
from mrsnb.template_values import Given
from mrsnb.templates import Template
from mrsnb.tuning import StepTask, Written

HOSTILE = "<img src=x onerror=alert(1)> \"'&\u202e\u2028\x1b[31m\x00\n\u661f</pre></details><script>x</script>"
DOUBT = Check(name=HOSTILE, value=HOSTILE, limit=HOSTILE, verdict="bad", meaning=HOSTILE, remedy=HOSTILE)
NAME = HOSTILE + "_cal.fits"
PATH = Path("a") / HOSTILE.replace("/", "|")
RNG = np.random.default_rng(7)
KEYS = Cards(
    [
        Card(key, value)
        for key, value in {
            "CHANNEL": "12",
            "BAND": "SHORT",
            "DETECTOR": HOSTILE,
            "TARGPROP": HOSTILE,
            "TARGNAME": HOSTILE,
            "PATT_NUM": HOSTILE,
            "SRCTYPE": HOSTILE,
            "ROLL_REF": HOSTILE,
            "EFFEXPTM": 111.0,
            "CAL_VER": HOSTILE,
            "ASNTABLE": HOSTILE,
            "CRDS_CTX": HOSTILE,
            "R_APCORR": HOSTILE,
        }.items()
    ]
)
WAVE = np.linspace(4.9, 5.74, 1050)
HISTORY = {"parameters": {HOSTILE: {HOSTILE: HOSTILE}}, "warnings": recorded_doubts([DOUBT])}
SKY = {"ra": 10.0, "dec": -5.0, "primary": KEYS, "history": HISTORY}


def light(wave):
    return 0.1 + 0.02 * np.exp(-0.5 * ((wave - wave.mean()) / 0.002) ** 2) + RNG.normal(0, 1e-4, wave.shape)


@cache
def cube(band="1A"):
    shape = (1050, 47, 57)
    flux = RNG.normal(30, 2, shape).astype(np.float32)
    flux[:, 20:24, 25:30] *= 400
    flux[:, :9] = np.nan
    dq = np.where(np.isnan(flux), np.uint32(513), np.uint32(0))
    dq[::3, 20, 3] = 1
    weight = np.isfinite(flux).astype(np.float32) * 6
    return Cube(
        name=NAME,
        bands=(Band.from_name(band),),
        grid=CubeGrid(ra=10.0, dec=-5.0, spaxel_size=0.13, n_x=57, n_y=47, wave=WAVE.copy(), wave_step=np.ones(1050)),
        flux=flux,
        err=flux.copy(),
        dq=dq,
        weight=weight,
        primary=KEYS,
        science=KEYS,
        holes=int(np.count_nonzero(dq == 1)),
    )


def spectrum(band="1A"):
    low, high = Band.from_name(band).wave_range
    wave = np.linspace(low, high, 1050)
    columns = {name: light(wave) for name in COLUMNS}
    columns |= {"WAVELENGTH": wave, "DQ": np.zeros(1050, dtype=np.uint32)}
    bands, place = (Band.from_name(band),), (3.0, 2.0)
    return Spectrum(name=NAME, bands=bands, columns=columns, source_type=HOSTILE, position=place, science=KEYS, **SKY)


def combined(band="1A"):
    wave = np.linspace(*Band.from_name(band).wave_range, 1050)
    columns = {name: light(wave) for name in COMBINED_COLUMNS} | {"WAVELENGTH": wave}
    return CombinedSpectrum(name=NAME, bands=(Band.from_name(band),), columns=columns, source_type=HOSTILE, **SKY)


def detector():
    flux = RNG.normal(30, 5, (1024, 1032)).astype(np.float32)
    flux[:, ::20] = np.nan
    flux[:, 100::200] *= 100
    return flux


def exposure():
    flux = detector()
    dq = np.zeros(flux.shape, dtype=np.uint32)
    return Exposure(name=NAME, primary=KEYS, science=KEYS, wcs=None, flux=flux, err=flux.copy(), dq=dq)


def derived():
    return DerivedExposure(
        source=ExposureFile(path=PATH, primary=KEYS, science=KEYS), change=None, primary=KEYS, science=KEYS
    )


def mask(share):
    return Mask.of(RNG.random((1024, 1032)) < share)


def outliers():
    previews = tuple(Preview(NAME, detector()[::2, ::2].copy(), 2, mask(6e-4), mask(2e-4)) for _ in range(2))
    masks = (mask(1e-3),) * 12
    return OutlierDetectionResult(
        params=OutlierDetectionParams(), seconds=1.0, exposures=(derived(),) * 12, flagged=(0.001,) * 12, masks=masks,
        common={HOSTILE: masks[0]}, previews=previews, reason=HOSTILE,
    )  # fmt: skip


def replaced():
    previews = tuple(ReplacePreview(NAME, detector()[::2, ::2].copy(), mask(2.5e-3), mask(4e-5)) for _ in range(6))
    counts = (ReplaceCount(name=NAME, replaced=2500, left=40),) * 12
    params = PixelReplaceParams(skip=False)
    return PixelReplaceResult(params=params, seconds=1.0, exposures=(derived(),) * 12, counts=counts, previews=previews)


def traced():
    params, preview = AdaptiveTraceModelParams(), TracePreview(NAME, detector()[::2, ::2], detector()[::2, ::2])
    return AdaptiveTraceModelResult(params=params, seconds=1.0, exposures=(derived(),), preview=preview)


def background():
    return MasterBackgroundResult(
        params=MasterBackgroundParams(user_background=HOSTILE), seconds=1.0, exposures=(derived(),) * 12,
        backgrounds=tuple(combined(band.name) for band in ALL_BANDS), uncovered=(HOSTILE,),
    )  # fmt: skip


def matched():
    polynomials = tuple(
        BackgroundPolynomial(exposure=NAME, band=band, centre=(10.0, -5.0, 6.0), coefficients=np.full((2, 2, 2), 0.1))
        for band in ALL_BANDS
    )
    params = MrsImatchParams()
    return MrsImatchResult(params=params, seconds=1.0, exposures=(), polynomials=polynomials, alone=(HOSTILE,))


def fringes(reason=""):
    fits = (FamilyFit(name="detector", period=np.array([2.8]), amplitude=np.array([0.01]), reason=reason),)
    flux = light(WAVE)
    fringe = 1 + 0.01 * np.sin(WAVE * 100)
    return ResidualFringeResult(
        params=ResidualFringeParams(),
        seconds=1.0,
        wave=WAVE,
        before=flux * fringe,
        flux=flux,
        fringe=fringe,
        families=fits,
    )


def run():
    products = tuple(
        ProductSummary(label=b.name, name=NAME + b.name, path=PATH, image=cube().collapsed(8), spaxel_size=0.13)
        for b in ALL_BANDS
    )
    spectra = (spectrum(b.name) for b in ALL_BANDS)
    products += tuple(
        ProductSummary(label=s.label, name=NAME + s.label, path=PATH, wave=s.wave, flux=s.flux) for s in spectra
    )
    return Spec3Result(
        association=association(), params=Spec3Params(), references=load_references(), products=products,
        exposures=(PATH,), statuses={HOSTILE: HOSTILE}, seconds=9.0, warnings=(DOUBT,) * 12,
    )  # fmt: skip


@cache
def judged():
    figures = cube_figures(CubeLayers.of(cube()))
    cubes = {band.name: replace(figures, label=band.name, unit=HOSTILE) for band in ALL_BANDS}
    spectra = {band.name: spectrum_figures(spectrum(band.name)) for band in ALL_BANDS}
    products = [observed(NAME, KEYS, (NAME, NAME)), observed(NAME, KEYS.updated(TARGPROP="other" + HOSTILE))]
    exposures = (ExposureFigures(NAME, HOSTILE, 0.5, 0.5, 0.5),) * 12
    return quality(cubes=cubes, spectra=spectra, products=products, exposures=exposures, unreadable=(NAME,))


def report():
    curves = tuple(Curve(s.label, s.wave, s.flux, s.err) for s in (spectrum(band.name) for band in ALL_BANDS))
    files = tuple(ProductFile(NAME, HOSTILE, 10**7, HOSTILE) for _ in range(24))
    origin = Provenance(name=NAME, primary=KEYS, history=SKY["history"], exposures=(NAME,))
    return Report(
        name=HOSTILE, folder=PATH, quality=judged(), curves=curves, files=files, others=((NAME, HOSTILE),),
        provenances=((origin, 1), (origin, 2)), run=run(),
    )  # fmt: skip


def association():
    members = tuple(Member(f"{HOSTILE[:-30]}{i}_cal.fits".replace("\0", "")) for i in range(12))
    return Association(name="n", members=members, path=PATH, program=HOSTILE, target=HOSTILE)


def comparison():
    differences = tuple(Difference(HOSTILE, HOSTILE, remark=HOSTILE) for _ in range(600))
    return Comparison(PATH, PATH, 1e-5, differences, only_a=(HOSTILE,))


def aperture():
    return parse_ds9('icrs; circle(202.47, 47.195, 1.5")', HOSTILE)


def template():
    return Template(name=HOSTILE, path=PATH, parameters=(TemplateParam(HOSTILE, HOSTILE, HOSTILE, HOSTILE),))


def given():
    values = {HOSTILE: HOSTILE}
    return Given(name=HOSTILE, values=values, declared=(TemplateParam(HOSTILE, HOSTILE, HOSTILE, HOSTILE),))


def task():
    params = CubeBuildParams(offset_file=HOSTILE)
    return StepTask("cube_build", (PATH,), (), params, CubeBuildParams(), load_references(), PATH)


def _look(band, image):
    wave = np.linspace(*band.wave_range, 1050)
    return Look(HOSTILE, {HOSTILE: HOSTILE + str(RNG.random())}, wave, light(wave), image, 0.13, 30.0)


def changes(n, *, of_cubes=True):
    image = cube().collapsed(8) if of_cubes else None
    noisy = image + RNG.normal(0, 0.1, (47, 57)) if of_cubes else None
    pairs = tuple(Change(_look(band, image), _look(band, noisy)) for band in ALL_BANDS[:n])
    return Changes(what=HOSTILE, names=(HOSTILE, HOSTILE + "2"), changes=pairs, reason=HOSTILE)


def rerun():
    return Rerun(
        product=PATH, step=HOSTILE, inputs=(PATH,), association=None, name=None, suffixes={}, params=Spec3Params(),
        references=load_references(), changed=(HOSTILE,), software=(HOSTILE,),
    )  # fmt: skip


def leaked():
    params, before = SpectralLeakParams(), spectrum("3A")
    return SpectralLeakResult(
        params=params, seconds=1.0, spectra=(before,), corrected=spectrum("3A"), before=before, reason=HOSTILE
    )


def extracted(*bands):
    spectra = tuple(spectrum(band) for band in bands)
    centres = (Centre(x=1.0, y=1.0, method="found", reason=HOSTILE, signal_to_noise=1.0),)
    params = Extract1dParams(extraction_region=HOSTILE)
    return Extract1dResult(
        params=params, seconds=1.0, spectra=spectra, centres=centres, fringes=(fringes(HOSTILE),), warnings=(DOUBT,)
    )


WITH_PICTURE = {
    "Cube": cube,
    "Spectrum": spectrum,
    "CombinedSpectrum": combined,
    "CombinedSpectra": lambda: CombinedSpectra(name=NAME, spectra=tuple(combined(band.name) for band in ALL_BANDS)),
    "Curve": lambda: curve_of(spectrum("1A")),
    "Exposure": exposure,
    "Images": lambda: Images(name=NAME, primary=KEYS, arrays={f"{HOSTILE}{i}": detector() for i in range(3)}),
    "assign_mtwcs": lambda: AssignMtwcsResult(
        params=AssignMtwcsParams(), seconds=1.0, exposures=(derived(),) * 3, place=(1.0, 2.0), shifts=((0.1, 0.2),) * 3
    ),
    "master_background": background,
    "mrs_imatch": matched,
    "outlier_detection": outliers,
    "adaptive_trace_model": traced,
    "pixel_replace": replaced,
    "cube_build": lambda: CubeBuildResult(params=CubeBuildParams(offset_file=HOSTILE), seconds=1.0, cubes=(cube(),)),
    "cube_build of three": lambda: CubeBuildResult(params=CubeBuildParams(), seconds=1.0, cubes=(cube(),) * 3),
    "extract_1d": partial(extracted, "1A"),
    "extract_1d of twelve": partial(extracted, *(band.name for band in ALL_BANDS)),
    "residual_fringe": fringes,
    "residual_fringe, nothing": partial(fringes, HOSTILE),
    "spectral_leak": leaked,
    "combine_1d": lambda: Combine1dResult(params=Combine1dParams(), seconds=1.0, spectra=(combined(),), unused=(NAME,)),
    "Spec3Result": run,
    "Report": report,
    "BandReport": lambda: report().band("1A"),
    "Changes of a cube": partial(changes, 1),
    "Changes of twelve cubes": partial(changes, 12),
    "Changes of twelve spectra": partial(changes, 12, of_cubes=False),
}
WITHOUT_PICTURE = {
    "ExposureFile": lambda: ExposureFile(path=PATH, primary=KEYS, science=KEYS),
    "DerivedExposure": derived,
    "Association": association,
    "Provenance": lambda: Provenance(name=NAME, primary=KEYS, history=SKY["history"], exposures=(NAME,)),
    "References": load_references,
    "SkyAperture": aperture,
    "Params": lambda: CubeBuildParams(channel="1", offset_file=HOSTILE, compat="jwst-3.0"),
    "Spec3Params": lambda: Spec3Params().updated({"cube_build": {"offset_file": HOSTILE}}),
    "Comparison": comparison,
    "Verification": lambda: Verification(400 * (VerifiedFile(PATH, "damaged", 3, HOSTILE),)),
    "Fetched": lambda: Fetched(folder=PATH, context=HOSTILE, files={HOSTILE: PATH}, lacking=(HOSTILE,)),
    "Contributions": lambda: Contributions(
        voxel=(1, 2, 3), pixels=(Contribution(NAME, 1, 2, 101, 5.0, 1.0, 1.0, 0.1, 0),) * 20
    ),
    "Template": template,
    "ReportFiles": lambda: ReportFiles(page=PATH, cubes=PATH, spectrum=None),
    "Quality": judged,
    "Given": given,
    "StepTask": task,
    "Written": lambda: Written(paths=(PATH,), seconds=1.0, memory=0.5),
    "Origins": lambda: Origins((PATH, PATH), 3, ((HOSTILE, HOSTILE, HOSTILE, HOSTILE),)),
    "Demo": lambda: Demo(folder=PATH, association=PATH, notebook=PATH, seconds=1.0),
    "Rerun": rerun,
    "Download": lambda: Download(files=(Got(path=PATH, status="kept"),), associations=(association(),)),
    "SimulatedDataset": lambda: SimulatedDataset(
        params=SimulateParams(),
        seconds=1.0,
        scene=Scene(),
        association=PATH,
        exposures=(),
        backgrounds=(),
        truth=PATH,
        masks=PATH,
    ),
}
EVERYTHING = WITH_PICTURE | WITHOUT_PICTURE
