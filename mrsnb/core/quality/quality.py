"""All checks of a set of products, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from mrsnb.core.bands import ALL_BANDS
from mrsnb.core.quality.check import ORDER, Check, Verdict, doubts_of, worst_of
from mrsnb.core.quality.cubes import CubeFigures
from mrsnb.core.quality.observed import ExposureFigures, Observed
from mrsnb.core.quality.of_cubes import cube_checks
from mrsnb.core.quality.of_sets import set_checks
from mrsnb.core.quality.of_spectra import coverage_check, spectrum_checks
from mrsnb.core.quality.spectra import Jump, SpectrumFigures
from mrsnb.display import Badge, Row, Section, Shown, Table, to_text

_RARE = 5e-4
"""Share of the voxels below which a flag is not listed."""
_HEADS = (
    *("band", "", "from", "to", "flux / Jy", "S/N", "lowest", "at", "noise/err"),
    *("holes %", "sky/err", "fringes %", "flags"),
)
COLUMNS = (
    Row("from, to, at", "wavelengths", "micron"),
    Row("flux", "median about the middle of the band"),
    Row("S/N, lowest", "median of flux over stated error; the lowest of ten parts of the band"),
    Row("noise/err", "scatter from one wavelength to the next over stated error"),
    Row("sky/err", "darkest sky over the error of a voxel"),
    Row("flags", "share of the voxels in the field that have them"),
)
"""What the columns of the table of bands are."""
_TOLD = {"bad": "bad", "warning": "to be looked at", "good": "good", "not known": "not known"}


@dataclass(frozen=True, kw_only=True)
class Quality(Shown):
    """What a set of products is worth.

    Parameters
    ----------
    checks : tuple of Check
        What needs attention first.
    cubes, spectra : mapping of str to figures
        By band.
    jumps : tuple of Jump
        Between neighbouring bands.
    exposures : tuple of ExposureFigures
        Of ``_crf`` files.
    """

    checks: tuple[Check, ...]
    cubes: Mapping[str, CubeFigures] = field(default_factory=dict)
    spectra: Mapping[str, SpectrumFigures] = field(default_factory=dict)
    jumps: tuple[Jump, ...] = ()
    exposures: tuple[ExposureFigures, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of all checks."""
        return worst_of(self.checks)

    @property
    def title(self) -> str:
        """What it is worth, in a few words."""
        return f"Quality: {self.verdict}"

    def rows(self) -> list[Row]:
        """Return how many checks have each verdict, and which need attention."""
        found = {v: [c.name for c in self.checks if c.verdict == v] for v in reversed(ORDER)}
        return [
            Row(_TOLD[verdict], str(len(names)), note="" if verdict == "good" else ", ".join(names))
            for verdict, names in found.items()
            if names
        ]

    def sections(self) -> list[Section]:
        """Return the checks and the numbers of each band."""
        tables = {"Checks": self.table(), "Bands": self.band_table()}
        more = {"Jumps between bands": self.jump_table(), "Exposures": self.exposure_table()}
        sections = [Section(title, table, open=True) for title, table in tables.items()]
        return [*sections, *(Section(title, table) for title, table in more.items() if table.rows)]

    def table(self) -> Table:
        """Return the checks, with what can be done."""
        rows = tuple((c.badge, c.name, c.value, c.limit, c.advice) for c in self.checks)
        return Table(("verdict", "what", "found", "good is", "meaning and remedy"), rows)

    def band_table(self) -> Table:
        """Return one row of numbers for each band."""
        return Table(_HEADS, tuple(self._band(band) for band in self.bands))

    def jump_table(self) -> Table:
        """Return one row for each overlap of two bands."""
        rows = tuple((j.bands, f"{100 * j.size:+.2f}", f"{100 * j.error:.2f}", str(j.samples)) for j in self.jumps)
        return Table(("bands", "jump %", "error %", "wavelengths"), rows)

    def exposure_table(self) -> Table:
        """Return one row for each exposure."""
        rows = tuple(
            (e.name, e.bands, f"{100 * e.outliers:.3f}", f"{100 * e.saturated:.3f}", f"{100 * e.unusable:.2f}")
            for e in self.exposures
        )
        return Table(("exposure", "bands", "outliers %", "saturated %", "not usable %"), rows)

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands there are, in order of wavelength."""
        return in_order([*self.cubes, *self.spectra])

    def of_band(self, band: str) -> tuple[Check, ...]:
        """Return the checks that a band does not pass, alone or with a neighbour."""
        return tuple(c for c in self.checks if any(band in names.split("/") for names in c.bands))

    def verdict_of(self, band: str) -> Verdict:
        """Return the worst verdict of a band."""
        return max((check.verdict for check in self.of_band(band)), key=ORDER.index, default="good")

    def _band(self, band: str) -> tuple[str, ...]:
        cube, spectrum = self.cubes.get(band), self.spectra.get(band)
        worst = self.verdict_of(band)
        return (
            band,
            Badge(worst, kind=worst),
            *_of_spectrum(cube, spectrum),
            *(("-", "-") if cube is None else (_number(100 * cube.holes), _number(cube.sky))),
            "-" if spectrum is None else _number(100 * spectrum.fringes),
            "-" if cube is None else _flags(cube),
        )

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), self.sections()[:1])


def quality(
    *,
    cubes: Mapping[str, CubeFigures],
    spectra: Mapping[str, SpectrumFigures],
    jumps: Sequence[Jump] = (),
    products: Sequence[Observed] = (),
    exposures: Sequence[ExposureFigures] = (),
    unreadable: Sequence[str] = (),
    stated: Sequence[Check] = (),
) -> Quality:
    """Return what a set of products is worth, from what was measured of them.

    Parameters
    ----------
    cubes, spectra : mapping of str to figures
        By band, see `cube_figures` and `spectrum_figures`.
    jumps : sequence of Jump
        See `jumps`.
    products : sequence of Observed
        What each file says.
    exposures : sequence of ExposureFigures
        Of ``_crf`` files.
    unreadable : sequence of str
        Names of files that should be products and cannot be read.
    stated : sequence of Check
        What products say to be doubtful about them; counts where it is worse than what was found here.
    """
    cubes = {band: cubes[band] for band in in_order(list(cubes))}
    spectra = {band: spectra[band] for band in in_order(list(spectra))}
    checks = [
        *set_checks(products, cubes, spectra, exposures, unreadable),
        coverage_check(in_order([*cubes, *spectra])),
        *spectrum_checks(spectra, jumps),
        *cube_checks(cubes, spectra),
    ]
    found = {check.name: check for check in checks}
    for check in doubts_of(stated):
        known = found.get(check.name)
        if known is None or not known.is_doubt:
            found[check.name] = check
    checks = sorted(found.values(), key=lambda c: {"bad": 0, "warning": 1, "good": 2, "not known": 3}[c.verdict])
    return Quality(checks=tuple(checks), cubes=cubes, spectra=spectra, jumps=tuple(jumps), exposures=tuple(exposures))


def in_order(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels of bands without repetition, in order of wavelength; others come last.

    Examples
    --------
    >>> in_order(["3A", "1B", "1A", "3A"])
    ('1A', '1B', '3A')
    """
    names = [band.name for band in ALL_BANDS]
    return tuple(sorted(dict.fromkeys(labels), key=lambda label: (label[:2] not in names, label)))


def _of_spectrum(cube: CubeFigures | None, spectrum: SpectrumFigures | None) -> tuple[str, ...]:
    if spectrum is None:
        waves = ("-", "-") if cube is None else tuple(f"{wave:.2f}" for wave in cube.wave_range)
        return (*waves, *["-"] * 5)
    return (
        *(f"{wave:.2f}" if isfinite(wave) else "-" for wave in spectrum.wave_range),
        f"{spectrum.centre_flux:.4g}" if isfinite(spectrum.centre_flux) else "-",
        _number(spectrum.signal_to_noise),
        _number(spectrum.lowest),
        f"{spectrum.lowest_wave:.2f}" if isfinite(spectrum.lowest_wave) else "-",
        _number(spectrum.noise_ratio),
    )


def _flags(cube: CubeFigures) -> str:
    shares = [f"{name} {share:.1%}" for name, share in cube.flags.items() if share > _RARE]
    return ", ".join(shares) or "-"


def _number(value: float) -> str:
    if not isfinite(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
