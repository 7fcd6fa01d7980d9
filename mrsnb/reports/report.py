"""A report of products: quality, pictures, spectra, provenance; in a cell, and as one page."""

from dataclasses import dataclass, field
from pathlib import Path

from mrsnb.core.provenance import Provenance
from mrsnb.core.quality import Quality, quality
from mrsnb.core.quality.check import ORDER, named, stated_doubts
from mrsnb.core.quality.quality import in_order
from mrsnb.display import Badge, Picture, Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError, OutputError, nearest
from mrsnb.io.atomic import output_folder, write_bytes
from mrsnb.io.places import home
from mrsnb.pipeline import Spec3Result
from mrsnb.reports.examine import Curve, ProductFile, examine, name_of, runs_of
from mrsnb.reports.products import Products, products_in, products_of

_SHOWN = 19
"""Characters of a checksum that a table shows: its kind and 12 digits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Report(Shown):
    """What a folder of products, or a run, is and is worth.

    Parameters
    ----------
    name : str
        Of the products.
    folder : Path or None
        Where they are; None if nothing was written.
    quality : Quality
        All checks, and what they were made from.
    curves : tuple of Curve
        Spectra, in order of wavelength.
    files : tuple of ProductFile
        What was examined.
    others : tuple of (str, str)
        Files that were not, and why.
    provenances : tuple of (Provenance, int)
        Of each run that made products, and how many.
    run : Spec3Result or None
        The run itself, if the report is of one.
    """

    name: str
    folder: Path | None
    quality: Quality
    curves: tuple[Curve, ...] = ()
    files: tuple[ProductFile, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    provenances: tuple[tuple[Provenance, int], ...] = field(default=())
    run: Spec3Result | None = None

    @property
    def title(self) -> str:
        """What it is of, and the verdict."""
        return f"Report of {self.name}: {self.quality.verdict}"

    def rows(self) -> list[Row]:
        """Return what there is to say, the verdicts first."""
        size = sum(file.size for file in self.files)
        made = [provenance.rows()[0].value for provenance, _ in self.provenances]
        places = [Row("folder", str(self.folder))] if self.folder is not None else []
        observed = [Row("bands", ", ".join(self.quality.bands))] if self.quality.bands else []
        return [
            *self.quality.rows(),
            *observed,
            *places,
            Row("files", str(len(self.files)), note=f"{size / 1e6:.1f} MB; {len(self.others)} others not examined"),
            Row("made by", "; ".join(dict.fromkeys(made)) or "not known"),
        ]

    def sections(self) -> list[Section]:
        """Return the checks and the numbers of each band; the page has more."""
        return self.quality.sections()[:2]

    def pictures(self) -> list[Picture]:
        """Return the cubes with their apertures and the spectrum of all bands."""
        from mrsnb.reports.pictures import cube_pictures, spectrum_of_all

        return [*cube_pictures(self.name, self.quality), *spectrum_of_all(self.name, self.curves)]

    def band(self, name: str | None = None) -> "BandReport":
        """Return what there is to say of one band, with larger pictures.

        Parameters
        ----------
        name : str, optional
            One of ``quality.bands``, such as ``"3A"``; None takes the one that needs most attention.

        Raises
        ------
        InputError
            If there is no such band.
        """
        bands = self.quality.bands
        if name is not None and name not in bands:
            msg = f"band = {name!r}: not among these products{nearest(name, list(bands))}"
            raise InputError(msg)
        if not bands:
            msg = "no band can be shown: none of the products could be read"
            raise InputError(msg)
        worst = max(bands, key=lambda band: ORDER.index(self.quality.verdict_of(band)))
        chosen = worst if name is None else name
        curve = next((curve for curve in self.curves if curve.label == chosen), None)
        return BandReport(name=chosen, quality=self.quality, curve=curve)

    def file_table(self) -> Table:
        """Return the files that were examined, with sizes and checksums."""
        rows = tuple((f.name, f.what, f"{f.size / 1e6:.2f}", f.checksum[:_SHOWN]) for f in self.files)
        return Table(("file", "what", "MB", "checksum"), rows)

    def other_table(self) -> Table:
        """Return the files that were not examined, and why."""
        return Table(("file", "why not"), self.others)

    def html(self) -> str:
        """Return the page: one HTML document with all pictures in it, without scripts."""
        from mrsnb.reports.page import report_page

        return report_page(self)

    def save(self, path: Path | str) -> Path:
        """Write the page, and return where it is.

        Parameters
        ----------
        path : Path or str
            A file, replaced if it is there; its folder is made if missing.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        place = home(path)
        if place.is_dir():
            msg = f"{place}: is a folder; give a file, such as {place / 'report.html'}"
            raise OutputError(msg)
        output_folder(place.parent)
        return write_bytes(place, self.html().encode("utf-8"))

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), [Section("Checks", self._short())])

    def _short(self) -> Table:
        rows = tuple((c.verdict, c.name, c.value) for c in self.quality.checks if c.verdict != "not known")
        return Table(("verdict", "what", "found"), rows)

    @property
    def badge(self) -> Badge:
        """The verdict, as tables show it."""
        return Badge(self.quality.verdict, kind=self.quality.verdict.replace(" ", "-"))


@dataclass(frozen=True, kw_only=True, eq=False)
class BandReport(Shown):
    """What one band is and is worth.

    Parameters
    ----------
    name : str
        Of the band.
    quality : Quality
        Of all bands.
    curve : Curve or None
        Its spectrum, if there is one.
    """

    name: str
    quality: Quality
    curve: Curve | None = None

    @property
    def title(self) -> str:
        """The band and its verdict."""
        return f"Band {self.name}: {self.quality.verdict_of(self.name)}"

    def rows(self) -> list[Row]:
        """Return its numbers."""
        table = self.quality.band_table()
        values = next((row for row in table.rows if row[0] == self.name), table.columns)
        named = [(name, value) for name, value in zip(table.columns, values, strict=True) if value not in ("-", name)]
        about = [Row(check.name, check.value, note=check.advice) for check in self.quality.of_band(self.name)]
        return [*about, *(Row(name, value) for name, value in named[2:])]

    def pictures(self) -> list[Picture]:
        """Return image and coverage of its cube, and its spectrum."""
        from mrsnb.reports.pictures import band_picture, spectra_of_bands

        cube, spectrum = self.quality.cubes.get(self.name), self.quality.spectra.get(self.name)
        drawn = [] if cube is None else [band_picture(self.name, cube, spectrum)]
        return drawn if self.curve is None else [*drawn, *spectra_of_bands("", [self.curve])]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


@dataclass(frozen=True)
class ReportFiles(Shown):
    """Where a report and its pictures are.

    Parameters
    ----------
    page : Path
        HTML, complete in itself.
    cubes, spectrum : Path or None
        PNG of the images of all cubes, and of the stitched spectrum; None if there are none.
    """

    page: Path
    cubes: Path | None
    spectrum: Path | None

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return "Report"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        places = (("report", self.page), ("cube images", self.cubes), ("spectrum", self.spectrum))
        return [Row(name, str(path)) for name, path in places if path is not None]

    def __repr__(self) -> str:
        return to_text("Report", self.rows())


def report(products: Path | str | Spec3Result) -> Report:
    """Return the report of a folder of products, or of a run.

    All ``_s3d`` and ``_x1d`` files of the folder are examined, whoever made them, and the ``_crf`` beside them. What
    the numbers mean, and where they stop being good, is in `mrsnb.core.quality`.

    Parameters
    ----------
    products : Path, str or Spec3Result
        A folder, or what `run_spec3` returned.

    Raises
    ------
    InputError
        If the folder is not there or has no products.

    Examples
    --------
    >>> import mrsnb
    >>> judged = mrsnb.report("out")
    >>> judged.title, judged.quality.verdict
    ('Report of star: good', 'good')
    >>> judged.save("report.html").name
    'report.html'
    """
    if isinstance(products, Spec3Result):
        return _of_run(products)
    if not isinstance(products, Path | str):
        msg = f"{type(products).__name__}: no report can be made of it; give a folder of products or a Spec3Result"
        raise InputError(msg)
    there = products_in(products)
    return _made(None, there.folder, there)


def write_report(products: Path | str | Spec3Result, output_dir: Path | str) -> ReportFiles:
    """Write ``report.html``, ``cubes.png`` and ``spectrum.png``, and return where they are.

    Parameters
    ----------
    products : Path, str or Spec3Result
        What `report` takes.
    output_dir : Path or str
        Made if missing; files of these names are replaced.

    Raises
    ------
    InputError
        If there are no products.
    OutputError
        If a file cannot be written.
    """
    made = report(products)
    folder = output_folder(output_dir)
    names = [name for name, there in (("cubes", made.quality.cubes), ("spectrum", made.curves)) if there]
    pairs = zip(names, made.drawn, strict=False)
    paths = {name: write_bytes(folder / f"{name}.png", drawn.png) for name, drawn in pairs}
    return ReportFiles(page=made.save(folder / "report.html"), cubes=paths.get("cubes"), spectrum=paths.get("spectrum"))


def _of_run(result: Spec3Result) -> Report:
    paths = [path for path in result.paths if path.is_file()]
    folder = paths[-1].parent if paths else None
    return _made(result.association.name, folder, products_of(folder or Path(), paths), result)


def _made(name: str | None, folder: Path | None, there: Products, run: Spec3Result | None = None) -> Report:
    found = examine(there)
    judged = quality(
        cubes=found.cubes,
        spectra=found.spectra,
        jumps=found.jumps,
        products=found.observed,
        exposures=found.exposures,
        unreadable=tuple(found.failed),
        stated=[check for one in found.provenances for check in stated_doubts(one.history)],
    )
    if name is None:
        names = tuple(dict.fromkeys(name_of(Path(said.file)) for said in found.observed))
        name = named(names) or str(there.folder)
    left_out = [*found.failed.items(), *((path.name, why) for path, why in there.others)]
    return Report(
        name=name,
        folder=folder,
        quality=judged,
        curves=tuple(found.curves[label] for label in in_order(list(found.curves))),
        files=tuple(found.files),
        others=tuple(left_out),
        provenances=tuple(runs_of(found.provenances)),
        run=run,
    )
