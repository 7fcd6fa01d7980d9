"""Compare the masks of outlier_detection with the official step's, pixel for pixel.

    OFFICIAL_PYTHON parity_outlier_detection.py official WORK EXPOSURES...
    python parity_outlier_detection.py table WORK EXPOSURES...

EXPOSURES are ``_cal.fits`` files; WORK receives one ``.npz`` for each combination of options. The table lists, summed
over the exposures, pixels whose DQ differs and pixels that are NaN (in SCI, ERR or VAR_POISSON) in only one of both.
"""

import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

COMBINATIONS = {
    "code defaults": {},
    "archive": {"kernel_size": "11 1", "threshold_percent": 99.5},
    "second check": {"ifu_second_check": True},
    "archive, second check": {"kernel_size": "11 1", "threshold_percent": 99.5, "ifu_second_check": True},
    "even window": {"kernel_size": "4 6"},
    "wide window, 99 %": {"kernel_size": "1 15", "threshold_percent": 99.0},
    "one exposure": {},
}


def members(name: str, files: list[str]) -> list[str]:
    return files[:1] if name == "one exposure" else files


def run_official(work: Path, files: list[str]) -> None:
    import os
    import tempfile

    os.environ |= {"CRDS_PATH": tempfile.mkdtemp(), "STPIPE_DISABLE_CRDS_STEPPARS": "true"}
    from jwst.datamodels import ModelContainer
    from jwst.outlier_detection import OutlierDetectionStep
    from stpipe import crds_client

    crds_client.get_context_used = lambda _: "jwst_0000.pmap"
    for name, options in COMBINATIONS.items():
        step = OutlierDetectionStep()
        step.mode = "ifu"
        for key, value in options.items():
            setattr(step, key, value)
        start = perf_counter()
        found = {}
        for model in step.run(ModelContainer(members(name, files))):
            nan = np.isnan(model.data) | np.isnan(model.err) | np.isnan(model.var_poisson)
            found |= {f"{model.meta.filename} dq": model.dq, f"{model.meta.filename} nan": np.packbits(nan)}
            found["status"] = model.meta.cal_step.outlier_detection
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        np.savez_compressed(work / f"{name}.npz", seconds=perf_counter() - start, memory=memory, **found)


def compare(work: Path, files: list[str]) -> None:
    from mrsnb.io.exposures import open_exposure
    from mrsnb.steps.outlier_detection import OutlierDetectionParams, outlier_detection

    print(f"{'options':24} {'status':9} {'flagged':>8} {'DQ differ':>9} {'NaN differ':>10}  official        ours")
    for name, options in COMBINATIONS.items():
        params = OutlierDetectionParams(method="neighbours", compat="jwst-3.0").updated(options)
        start = perf_counter()
        result = outlier_detection([open_exposure(file) for file in members(name, files)], params)
        seconds = perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        dq = nan = flagged = 0
        with np.load(work / f"{name}.npz") as official:
            same = "equal" if str(official["status"]) == result.status else str(official["status"])
            cost = f"{float(official['seconds']):5.1f} s {float(official['memory']):.2f} GB"
            for source in result.exposures:
                exposure = source.load()
                invalid = np.isnan(exposure.flux) | np.isnan(exposure.err) | np.isnan(exposure.variances["var_poisson"])
                dq += np.count_nonzero(exposure.dq != official[f"{exposure.name} dq"])
                nan += int(np.bitwise_count(np.packbits(invalid) ^ official[f"{exposure.name} nan"]).sum())
                flagged += np.count_nonzero(exposure.dq & 16)
        print(f"{name:24} {same:9} {flagged:8d} {dq:9d} {nan:10d}  {cost}  {seconds:4.1f} s {memory:.2f} GB")


if __name__ == "__main__":
    action, folder, *exposures = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    {"official": run_official, "table": compare}[action](Path(folder), exposures)
