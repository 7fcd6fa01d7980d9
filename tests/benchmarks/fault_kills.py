"""Runs of level 3 that are killed (kill -9) at random times and resumed: is anything lost, or different?

    python tests/benchmarks/fault_kills.py FOLDER --kills 40

simulates an observation of four bands, the spectral leak among them, in FOLDER, runs it once without interruption, and
then again and again: each run is killed at a random time until one reaches its end, always with ``--resume``. Products
are compared with those of the first run, byte by byte but for dates.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from astropy.io import fits

DATED = ("DATE", "CHECKSUM", "DATASUM")
"""Keywords that differ between two runs: when a product was made, and what depends on that."""


def content(path):
    """Return all that is in a product, but for when it was made."""
    with fits.open(path) as hdus:
        headers = [[card for card in hdu.header.items() if card[0] not in DATED] for hdu in hdus]
        return [*zip(headers, [b"" if hdu.data is None else hdu.data.tobytes() for hdu in hdus], strict=True)]


def differing(folder, wanted):
    """Return the names of products that are not those of `wanted`, name to content."""
    made = {path.name for path in folder.glob("*.fits")}
    same = {name for name, told in wanted.items() if name in made and content(folder / name) == told}
    return sorted((made | set(wanted)) - same)


def damaged(folder):
    """Return how many files in `folder` are not whole by their own checksums."""
    from mrsnb.io.verify import verify

    paths = list(folder.glob("*.fits"))
    return len(verify(paths).having("damaged")) if paths else 0


def observation(folder):
    """Simulate exposures of bands 1B, 2B, 3A and 4A, and return their association."""
    from mrsnb.simulate import simulate

    if not (folder / "raw" / "star_lvl3_asn.json").exists():
        simulate(folder / "raw", name="star", sub_bands=["short", "medium"], dithers=2, progress=False)
    told = json.loads((folder / "raw" / "star_lvl3_asn.json").read_text())
    members = told["products"][0]["members"]
    pairs = {("MIRIFUSHORT", "MEDIUM"), ("MIRIFULONG", "SHORT")}
    kept = [m for m in members if _setting(folder / "raw" / m["expname"]) in pairs]
    told["products"][0]["members"] = kept
    path = folder / "raw" / "few_asn.json"
    path.write_text(json.dumps(told))
    return path


def _setting(path):
    header = fits.getheader(path)
    return header["DETECTOR"], header["BAND"]


def command(association, folder, *more):
    words = [sys.executable, "-m", "mrsnb", "spec3", association, "--output-dir", folder, "--resume", *more]
    return list(map(str, words))


def killed_and_resumed(association, folder, wanted, longest, rng, count):
    """Kill runs into an empty folder at random times until one comes to its end; add what happened to `count`."""
    shutil.rmtree(folder, ignore_errors=True)
    while True:
        process = subprocess.Popen(command(association, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            out, _ = process.communicate(timeout=rng.uniform(0.3, 1.0) * longest)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            count["killed"] += 1
            count["half-written products"] += damaged(folder) if folder.exists() else 0
            continue
        count["runs that were refused"] += process.returncode != 0
        if process.returncode != 0:
            print(out.decode()[-500:])
        break
    count["resumed to the end"] += 1
    bad = differing(folder, wanted)
    print(f"killed {count['killed']} times so far, {count['resumed to the end']} resumed to the end", flush=True)
    count["products that differ"] += len(bad)
    count["products compared"] += len(wanted)
    count["left behind"] += len(list(folder.glob(".*")))
    if bad:
        print("differ:", ", ".join(bad))


def main():
    """Kill, resume, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    a.folder.mkdir(parents=True, exist_ok=True)
    rng, count = random.Random(a.seed), Counter()  # noqa: S311
    association, whole = observation(a.folder), a.folder / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    subprocess.run(command(association, whole), check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(whole)
    start = time.monotonic()
    subprocess.run(command(association, whole), check=True, stdout=subprocess.DEVNULL)
    longest = time.monotonic() - start
    wanted = {path.name: content(path) for path in whole.glob("*.fits")}
    while count["killed"] < a.kills:
        killed_and_resumed(association, a.folder / "killed", wanted, longest, rng, count)
    print(f"seed {a.seed}, {os.cpu_count()} cores, a run takes {longest:.1f} s")
    names = ("killed", "resumed to the end", "runs that were refused", "products compared", "products that differ")
    for name in (*names, "half-written products", "left behind"):
        print(f"{name:24} {count[name]}")


if __name__ == "__main__":
    main()
