"""A report of a run: one page without scripts, and its pictures as files."""

from dataclasses import dataclass
from pathlib import Path

from mrsnb.display import Row, Section, Shown, Table, page, to_html, to_text
from mrsnb.io.atomic import output_folder, write_bytes
from mrsnb.io.provenance import software
from mrsnb.pipeline import Spec3Result


@dataclass(frozen=True)
class Report(Shown):
    """Where a report is.

    Parameters
    ----------
    page : Path
        HTML, complete in itself.
    cubes, spectrum : Path or None
        PNG of the images of all cubes, and of the stitched spectrum; None if the run made none.
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


def write_report(result: Spec3Result, output_dir: Path | str) -> Report:
    """Write ``report.html``, ``cubes.png`` and ``spectrum.png``, and return where they are.

    Parameters
    ----------
    result : Spec3Result
        What a run made.
    output_dir : Path or str
        Made if missing; files of these names are replaced.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    folder = output_folder(output_dir)
    names = [name for name, there in (("cubes", result.cubes), ("spectrum", result.spectra)) if there]
    pictures = dict(zip(names, result.drawn, strict=True))
    body = to_html(result.title, result.rows(), result.drawn, [*result.sections(), *_origin(result)])
    paths = {name: write_bytes(folder / f"{name}.png", picture.png) for name, picture in pictures.items()}
    document = page(f"Level 3 of {result.association.name}", body)
    return Report(
        page=write_bytes(folder / "report.html", document.encode("utf-8")),
        cubes=paths.get("cubes"),
        spectrum=paths.get("spectrum"),
    )


def _origin(result: Spec3Result) -> list[Section]:
    """Return what the products were made of and with."""
    association = result.association
    members = Table(("member", "type"), tuple((member.expname, member.exptype) for member in association.members))
    versions = [Row(name, version) for name, version in software().items()]
    return [Section("Members of the association", members), Section("Software", versions)]
