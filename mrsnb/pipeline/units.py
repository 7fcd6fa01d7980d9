"""Cubes and their spectra, as products: where they are, whether they are done, written, and read again if they are."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mrsnb.core.association import Association, product_name
from mrsnb.core.bands import Band, label_of
from mrsnb.core.cube import Cube
from mrsnb.core.quality.check import Check, stated_doubts
from mrsnb.core.references import References
from mrsnb.core.spectrum import Spectrum
from mrsnb.io.products import place_of
from mrsnb.io.s3d import read_s3d, write_s3d
from mrsnb.io.x1d import read_x1d, write_x1d
from mrsnb.pipeline.ledger import Kept, Ledger, kept
from mrsnb.pipeline.params import Spec3Params
from mrsnb.pipeline.result import ProductSummary
from mrsnb.steps.extract_1d import spectrum_name
from mrsnb.steps.spectral_leak import SpectralLeakResult, spectral_leak


class Units:
    """The cubes of a run, each with its spectrum.

    Parameters
    ----------
    association : Association
    params : Spec3Params
    folder : Path
        Where products go.
    suffixes : mapping of str to str
        Last part of the names of cubes, where not the usual.
    ledger : Ledger
        Which products are done.
    """

    def __init__(
        self, association: Association, params: Spec3Params, folder: Path, suffixes: Mapping[str, str], ledger: Ledger
    ) -> None:
        self.params, self.folder, self.ledger = params, folder, ledger
        self._name, self._suffix = association.name, suffixes.get("cube_build", "s3d")

    def _cube(self, bands: Sequence[Band]) -> Path:
        return place_of(product_name(self._name, bands, self._suffix), self.folder)

    def _spectrum(self, bands: Sequence[Band]) -> Path:
        return place_of(spectrum_name(self._cube(bands).name), self.folder)

    def paths(self, bands: Sequence[Band]) -> tuple[Path, Path]:
        """Return where the cube of these bands and its spectrum are, if they are saved."""
        return self._cube(bands), self._spectrum(bands)

    def are_done(self, bands: Sequence[Band]) -> bool:
        """Return whether the cube of these bands and its spectrum need not be made again."""
        cubes, spectra = self.params.cube_build, self.params.extract_1d
        if (
            cubes.debug_spaxel is not None
            or not cubes.save_results
            or not self.ledger.has(self._cube(bands), "cube_build")
        ):
            return False
        if spectra.skip:
            return True
        return spectra.save_results and self.ledger.has(self._spectrum(bands), "extract_1d", "spectral_leak")

    def read(self, bands: Sequence[Band]) -> Iterator[tuple[ProductSummary, Kept, Spectrum | None]]:
        """Yield what is kept of a cube that is done, and of its spectrum: in a summary, as a result, and in memory."""
        label, path = label_of(bands), self._cube(bands)
        cube = read_s3d(path)
        summary = _cube_summary(cube, path, stated_doubts(cube.history))
        yield summary, kept(self.params, "cube_build", label, [path]), None
        if not self.params.extract_1d.skip:
            path = self._spectrum(bands)
            spectrum = read_x1d(path)
            summary = _spectrum_summary(spectrum, path, stated_doubts(spectrum.history))
            yield summary, kept(self.params, "extract_1d", label, [path]), spectrum

    def keep_cube(self, cube: Cube, warnings: tuple[Check, ...] = ()) -> ProductSummary:
        """Write a cube, if it is to be saved and is not done, and return what is kept of it."""
        if not self.params.cube_build.save_results:
            return _cube_summary(cube, None, warnings)
        path = place_of(cube.name, self.folder)
        if not self.ledger.has(path, "cube_build"):
            with self.ledger.making("cube_build", path):
                write_s3d(cube, self.folder)
        return _cube_summary(cube, path, warnings)

    def keep_spectrum(self, spectrum: Spectrum, step: str, warnings: tuple[Check, ...] = ()) -> ProductSummary:
        """Write a spectrum, if it is to be saved and is not done, and return what is kept of it."""
        if not getattr(self.params, step).save_results:
            return _spectrum_summary(spectrum, None, warnings)
        path = place_of(spectrum.name, self.folder)
        if self.ledger.has(path, step, "spectral_leak"):
            return _spectrum_summary(read_x1d(path), path, warnings)
        with self.ledger.making(step, path):
            write_x1d(spectrum, self.folder)
        return _spectrum_summary(spectrum, path, warnings)

    def without_leak(
        self, spectra: Sequence[Spectrum], references: References
    ) -> tuple[SpectralLeakResult | Kept | None, ProductSummary | None]:
        """Take the spectral leak out of spectra, and write the one that changes.

        Returns
        -------
        SpectralLeakResult, Kept or None
            None if the step is left out.
        ProductSummary or None
            Of the spectrum that changed.
        """
        if not spectra or self.params.spectral_leak.skip:
            return None, None
        for spectrum in spectra:
            path = place_of(spectrum.name, self.folder)
            if self.ledger.has(path, "spectral_leak"):
                return kept(self.params, "spectral_leak", spectrum.label, [path]), None
        leak = spectral_leak(spectra, self.params.spectral_leak, references.mrsptcorr)
        if leak.corrected is None:
            return leak, None
        return leak, self.keep_spectrum(leak.corrected, "spectral_leak")


def _cube_summary(cube: Cube, path: Path | None, warnings: tuple[Check, ...]) -> ProductSummary:
    return ProductSummary(
        label=cube.label,
        name=cube.name,
        path=path,
        image=cube.collapsed(),
        spaxel_size=cube.grid.spaxel_size,
        warnings=warnings,
    )


def _spectrum_summary(spectrum: Spectrum, path: Path | None, warnings: tuple[Check, ...]) -> ProductSummary:
    return ProductSummary(
        label=spectrum.label,
        name=spectrum.name,
        path=path,
        wave=spectrum.wave,
        flux=spectrum.flux,
        warnings=warnings,
    )
