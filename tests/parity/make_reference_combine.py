"""Make reference_combine.npz: what ``combine_1d_spectra`` of jwst 3.0.0 makes of awkward spectra.

    python make_reference_combine.py        (in an environment with jwst 3.0.0)

Keys: ``<case>_in`` of shape (n_spectra, 7, n_wave): WAVELENGTH, FLUX, FLUX_ERROR, SURF_BRIGHT, SB_ERROR, DQ and the
exposure time; ``<case>_out`` of shape (8, n): the columns of the table; ``<case>_clip``: sigma_clip, NaN for None.
"""

import logging
from pathlib import Path

import numpy as np
from jwst.combine_1d.combine1d import combine_1d_spectra
from jwst.datamodels import ModelContainer
from stdatamodels.jwst import datamodels

NAMES = ("WAVELENGTH", "FLUX", "FLUX_ERROR", "SURF_BRIGHT", "SB_ERROR", "DQ")


def spectrum(rng, start, step, n=30, *, falling=False):
    wave = start + step * np.arange(n) * (1 + 0.002 * np.arange(n))
    flux = 1 + wave + 0.1 * rng.normal(size=n)
    rows = np.array([wave, flux, 0.1 + 0.01 * rng.random(n), 3 * flux, 0.3 * np.ones(n), np.zeros(n), np.full(n, 0.0)])
    rows[5, rng.integers(0, n, 4)] = [1, 4, 5, 1 << 31]
    rows[1, rng.integers(0, n)] = np.nan
    rows[3, rng.integers(0, n)] = np.nan
    rows[6] = rng.integers(50, 200)
    return rows[:, ::-1] if falling else rows


def model(rows):
    m = datamodels.MRSMultiSpecModel()
    table = np.zeros(rows.shape[1], dtype=datamodels.MRSSpecModel().get_dtype("spec_table"))
    for name, values in zip(NAMES, rows, strict=False):
        table[name] = values
    m.spec.append(datamodels.MRSSpecModel(spec_table=table))
    m.spec[0].spectral_order = 1
    m.meta.exposure.exposure_time = float(rows[6, 0])
    m.meta.target.ra, m.meta.target.dec = 10.0, 20.0
    m.meta.exposure.type = "MIR_MRS"
    return m


def main():
    logging.disable(logging.CRITICAL)
    rng = np.random.default_rng(7)
    same = (5.0, 0.01)
    cases = {
        "same": ([spectrum(rng, *same) for _ in range(3)], None),
        "clipped": ([spectrum(rng, *same) for _ in range(5)], 2.5),
        "shifted": ([spectrum(rng, 5.0 + 0.003 * i, 0.01) for i in range(4)], None),
        "falling": ([spectrum(rng, 5.0, 0.01, falling=i == 1) for i in range(2)], None),
        "bands": ([spectrum(rng, 5.0 + 0.22 * (i // 2), 0.01 + 0.004 * (i // 2)) for i in range(4)], None),
        "alone": ([spectrum(rng, *same)], None),
    }
    arrays = {}
    for name, (spectra, clip) in cases.items():
        result = combine_1d_spectra(ModelContainer([model(rows) for rows in spectra]), "exposure_time", sigma_clip=clip)
        table = result.spec[0].spec_table
        arrays[f"{name}_in"] = np.array(spectra)
        arrays[f"{name}_out"] = np.array([np.array(table[column], float) for column in table.names])
        arrays[f"{name}_clip"] = np.nan if clip is None else clip
    np.savez_compressed(Path(__file__).parent / "reference_combine.npz", **arrays)


if __name__ == "__main__":
    main()
