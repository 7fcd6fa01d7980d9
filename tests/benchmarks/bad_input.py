"""Give mrsnb files with something wrong, of every kind that it reads, and count what comes of it.

    python bad_input.py [--seed N] [--kinds exposure,cube,...] [--ways read,...] [--share X] [--cuts N] [--part I/N]

Each case ends in success, or in one clear line; anything else is printed and counts as a failure: the status is 1.
`--share` tries that part of the cases, drawn by the seed. An exposure is cut at every Nth block as well, each time only
opened. In files of a part of N, only each Nth case is tried, from the Ith on, so that several processes share the work.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

import corpus

from mrsnb.display import Table
from mrsnb.errors import MrsnbError
from mrsnb.io.exposures import open_exposure

VERDICTS = ("success", "clear error", "crash", "unclear", "output left", "over time", "over memory")
BLOCK = 2880


def prepared(folder: Path) -> corpus.Good:
    """Return good files, simulated."""
    from mrsnb.simulate import simulate

    made = simulate(folder / "raw", name="small", sub_bands=["short"], detectors=["MIRIFUSHORT"], progress=False)
    corpus.make_products(made.association, folder / "products")
    return corpus.Good(made.association, tuple(made.exposures), folder / "products")


def cut_everywhere(good: corpus.Good, folder: Path, step: int) -> Counter:
    """Cut an exposure at every `step`-th block, from its end on, and open what is left."""
    found: Counter = Counter()
    path = folder / "cut_cal.fits"
    path.write_bytes(good.exposures[0].read_bytes())
    for block in range(path.stat().st_size // BLOCK - 1, -1, -step):
        with path.open("r+b") as file:
            file.truncate(block * BLOCK)
        try:
            open_exposure(path)
            found["success"] += 1
        except MrsnbError:
            found["clear error"] += 1
    path.unlink()
    return found


def main() -> None:
    """Try all cases and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(corpus.WAYS))
    parser.add_argument("--ways", default="")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--cuts", type=int, default=0, help="step in blocks; 0 for none")
    parser.add_argument("--part", default="1/1")
    told = parser.parse_args()
    first, parts = map(int, told.part.split("/"))
    rng = Random(told.seed)  # noqa: S311
    counts: Counter = Counter()
    files: Counter = Counter()
    slowest: dict[str, float] = {}
    largest: dict[str, float] = {}
    start = perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = prepared(folder)
        if told.cuts:
            counts.update(
                {("cut exposures", verdict): n for verdict, n in cut_everywhere(good, folder, told.cuts).items()}
            )
            files["cut exposures"] = sum(n for (kind, _), n in counts.items() if kind == "cut exposures")
        for number, case in enumerate(corpus.cases(good, told.seed)):
            if case.kind not in told.kinds.split(",") or rng.random() >= told.share or number % parts != first - 1:
                continue
            files[case.kind] += 1
            for way, outcome in corpus.tried(case, good, folder / "case"):
                if told.ways and way not in told.ways.split(","):
                    continue
                counts[case.kind, outcome.verdict] += 1
                slowest[case.kind] = max(slowest.get(case.kind, 0.0), outcome.seconds)
                largest[case.kind] = max(largest.get(case.kind, 0.0), outcome.peak)
                if outcome.verdict not in ("success", "clear error"):
                    told_of = (case.kind, case.name, way, outcome.verdict, outcome.message)
                    print(json.dumps([*told_of, round(outcome.seconds, 1), round(outcome.peak / 1e6)]), flush=True)
    rows = [
        (
            kind,
            str(files[kind]),
            *(str(counts[kind, verdict]) for verdict in VERDICTS),
            f"{slowest.get(kind, 0):.1f}",
            f"{largest.get(kind, 0) / 1e6:.0f}",
        )
        for kind in files
    ]
    rows.append(("all", str(files.total()), *(str(sum(counts[k, v] for k in files)) for v in VERDICTS), "", ""))
    print(Table(("kind", "files", *VERDICTS, "longest, s", "most, MB"), rows).to_text())
    print(f"{perf_counter() - start:.0f} s")
    bad = sum(n for (_, verdict), n in counts.items() if verdict not in ("success", "clear error"))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
