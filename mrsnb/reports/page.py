"""The page of a report: one HTML document, what matters first."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mrsnb.core.quality.quality import COLUMNS
from mrsnb.display import Row, Section, Table, chapter, page
from mrsnb.pipeline import Spec3Result
from mrsnb.reports.pictures import coverage_pictures, signal_picture, spectra_of_bands
from mrsnb.reports.report import Report


def report_page(report: Report) -> str:
    """Return a complete HTML document: quality, pictures, numbers of bands, parameters, provenance, files."""
    return page(f"Report of {report.name}", "\n".join(_chapters(report)))


def _chapters(report: Report) -> Iterator[str]:
    quality = report.quality
    summary = Table(("verdict", "checks"), ((report.badge, "; ".join(f"{r.value} {r.name}" for r in quality.rows())),))
    about = [*report.rows()[len(quality.rows()) :], Row("report made", f"{datetime.now(UTC):%Y-%m-%d %H:%M}", "UTC")]
    yield chapter("", summary, about)
    yield chapter("Quality", quality.table())
    yield chapter("Pictures", *report.drawn, *coverage_pictures(report.name, quality))
    signal = signal_picture(report.name, report.curves)
    yield chapter("Bands", quality.band_table(), COLUMNS, *signal)
    for title, table in (("Jumps between bands", quality.jump_table()), ("Exposures", quality.exposure_table())):
        if table.rows:
            yield chapter(title, table)
    if len(report.curves) > 1:
        yield chapter("Spectra of the bands", *spectra_of_bands(report.name, report.curves))
    if report.run is not None:
        yield from _run(report.run)
        if not report.provenances:
            yield chapter("Parameters", report.run.params.table())
    for provenance, count in report.provenances:
        what = f"{count} products" if count > 1 else provenance.name
        yield chapter(f"Provenance of {what}", provenance.rows())
        yield from (_section(section) for section in provenance.sections())
    yield chapter("Files", report.file_table())
    if report.others:
        yield chapter("Files not examined", report.other_table())


def _run(result: Spec3Result) -> Iterator[str]:
    association = result.association
    yield chapter("Run", result.rows())
    yield chapter("Members", Table(("member", "type"), tuple((m.expname, m.exptype) for m in association.members)))


def _section(section: Section) -> str:
    return chapter(section.title, section.content)
