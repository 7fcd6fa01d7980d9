"""How long many observations take on a cluster, and what it costs: a simulated schedule of measured jobs.

    python tests/benchmarks/plan_batch.py results.ecsv [--observations 10000] [--bandwidth 5] [--price 0.05]

Jobs are drawn from those of a batch that was run (``results.ecsv``: time, memory, bytes). Each is handed out by the
scheduler, one after the other; reads its input; computes; writes its products. All that read or write share the
storage's bandwidth, up to that of one machine's line. The measured time holds reading and writing as well, from a warm
disk, so what is said of storage is on the safe side.
"""

import argparse
import heapq
from dataclasses import dataclass
from math import inf

import numpy as np
from astropy.table import Table as Results

from mrsnb.display import Table

HAND_OUT, READ, COMPUTE, WRITE = "scheduler", "read", "workers", "write"


@dataclass(frozen=True)
class Jobs:
    """Measured jobs.

    Parameters
    ----------
    seconds, read, write, memory : ndarray
        Wall time in s, and bytes.
    cores : int
        That each used.
    """

    seconds: np.ndarray
    read: np.ndarray
    write: np.ndarray
    memory: np.ndarray
    cores: int

    def drawn(self, n, seed=0):
        """Return `n` jobs, each one of these."""
        which = np.random.default_rng(seed).integers(len(self.seconds), size=n)
        return Jobs(self.seconds[which], self.read[which], self.write[which], self.memory[which], self.cores)


@dataclass(frozen=True)
class Site:
    """Where they run.

    Parameters
    ----------
    workers : int
    bandwidth, line : float
        Of the storage, and of what connects one worker to it; bytes per second.
    hand_out : float
        Seconds of the scheduler for each job.
    """

    workers: int
    bandwidth: float
    line: float
    hand_out: float


@dataclass(frozen=True)
class Schedule:
    """What comes out.

    Parameters
    ----------
    seconds : float
        Until the last job is done.
    busy : dict of str to float
        Fraction of that time that the scheduler, the storage and the workers' processors are at work.
    """

    seconds: float
    busy: dict[str, float]

    @property
    def bottleneck(self):
        """What the others wait for."""
        return max(self.busy, key=self.busy.get)


def schedule(jobs: Jobs, site: Site) -> Schedule:
    """Return how long `jobs` take at a site, in the order in which they are."""
    n = len(jobs.seconds)
    events, transfers = [], []  # (time, job) that end computing or being handed out; (volume, job, next phase)
    now, volume = 0.0, 0.0
    handed, free, done, at_hand = 0, site.workers, 0, False
    storing = 0.0
    while done < n:
        if free and handed < n and not at_hand:
            heapq.heappush(events, (now + site.hand_out, HAND_OUT, handed))
            at_hand, handed, free = True, handed + 1, free - 1
        rate = min(site.line, site.bandwidth / len(transfers)) if transfers else 0.0
        next_event = events[0][0] if events else inf
        next_transfer = now + (transfers[0][0] - volume) / rate if transfers else inf
        later = min(next_event, next_transfer)
        storing += (later - now) * rate * len(transfers) / site.bandwidth
        volume, now = volume + (later - now) * rate, later
        if next_transfer <= next_event:
            _, phase, job = heapq.heappop(transfers)
            if phase == READ:
                heapq.heappush(events, (now + jobs.seconds[job], COMPUTE, job))
            else:
                done, free = done + 1, free + 1
            continue
        _, phase, job = heapq.heappop(events)
        if phase == HAND_OUT:
            at_hand = False
            heapq.heappush(transfers, (volume + jobs.read[job], READ, job))
        else:
            heapq.heappush(transfers, (volume + jobs.write[job], WRITE, job))
    busy = {
        "scheduler": n * site.hand_out / now,
        "storage": storing / now,
        "workers": float(jobs.seconds.sum()) / (now * site.workers),
    }
    return Schedule(now, busy)


def read(path, time="seconds"):
    """Return the jobs of a ``results.ecsv`` that were done, `time` the column with theirs."""
    table = Results.read(path, format="ascii.ecsv")
    table = table[table["state"] == "done"]
    if not len(table):
        message = f"{path}: no job in it is done"
        raise SystemExit(message)
    names = (time, "input_bytes", "output_bytes", "peak_memory")
    return Jobs(*(np.asarray(table[name], dtype=float) for name in names), cores=int(table["threads"][0]))


def main():
    """Print a table: workers, time, cost, bottleneck."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", help="results.ecsv of a batch")
    parser.add_argument("--observations", type=int, default=10_000, help="how many [10000]")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 3, 10, 30, 100, 300, 1000])
    parser.add_argument("--bandwidth", type=float, default=5.0, help="of the shared storage, GB/s [5]")
    parser.add_argument("--line", type=float, default=1.0, help="of one worker, GB/s [1]")
    parser.add_argument("--hand-out", type=float, default=3.0, help="scheduler's time for a job, ms [3]")
    parser.add_argument("--price", type=float, default=0.05, help="of a core for an hour [0.05]")
    parser.add_argument("--cpu", action="store_true", help="take processor time, if the machine was busy otherwise")
    told = parser.parse_args()
    measured = read(told.results, "cpu_seconds" if told.cpu else "seconds")
    jobs = measured.drawn(told.observations)
    rows, alone = [], None
    for workers in told.workers:
        found = schedule(jobs, Site(workers, told.bandwidth * 1e9, told.line * 1e9, told.hand_out / 1e3))
        alone = found.seconds * workers if alone is None else alone
        hours = found.seconds / 3600
        cost = hours * workers * measured.cores
        rows.append(
            (
                str(workers),
                f"{hours:.2f}",
                f"{alone / (found.seconds * workers):.0%}",
                f"{cost:.0f}",
                f"{cost * told.price:.2f}",
                f"{workers * np.percentile(jobs.memory, 99) / 1e9:.1f}",
                *(f"{found.busy[name]:.0%}" for name in ("scheduler", "storage", "workers")),
                found.bottleneck,
            )
        )
    heads = ("workers", "hours", "efficiency", "core-hours", "price", "memory, GB")
    print(Table((*heads, "scheduler", "storage", "processors", "bottleneck"), rows).to_text())
    volume = (jobs.read.sum() + jobs.write.sum()) / 1e12
    each = jobs.seconds.mean()
    print(
        f"{told.observations} observations of {each:.1f} s; cores of each: {measured.cores}; {volume:.2f} TB of files"
    )
    storage = told.bandwidth * 1e9 * each / (jobs.read + jobs.write).mean()
    print(f"limits: the storage feeds {storage:.0f} workers, the scheduler {each / (told.hand_out / 1e3):.0f}")


if __name__ == "__main__":
    main()
