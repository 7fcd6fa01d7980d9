"""The parts of a large observation: how they are handed out, and what becomes of them if it is stopped."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from mrsnb.batch import level3
from mrsnb.batch.cluster import Place
from mrsnb.core.bands import Band
from mrsnb.errors import Cancelled, InputError, MrsnbError, OutputError
from mrsnb.io.association import read_association
from mrsnb.io.lock import held
from mrsnb.io.references import load_references
from mrsnb.kernels.threads import go_on
from mrsnb.pipeline import Spec3Params, open_science
from mrsnb.pipeline.parts import _arrays_of, _read_found, parts
from mrsnb.steps.outlier_detection import Found, Mask, Tally


class Opened:
    """What the parts of a run depend on of an exposure."""

    def __init__(self, number, channels, sub_band):
        self.name = f"exposure{number}"
        self.bands = tuple(Band(channel, sub_band) for channel in channels)


EXPOSURES = [
    Opened(10 * i + dither, channels, sub_band)
    for i, (channels, sub_band) in enumerate([((1, 2), "short"), ((1, 2), "medium"), ((3, 4), "short")])
    for dither in range(4)
]


@pytest.mark.parametrize(
    ("told", "cubes", "n"),
    [
        ({}, 6, 6),
        ({"cube_build": {"channel": "1"}}, 2, 3),
        ({"cube_build": {"skip": True}}, 0, 3),
        ({"cube_build": {"output_type": "channel"}}, 4, 4),
        ({"cube_build": {"output_type": "multi"}}, 1, 1),
        ({"pixel_replace": {"skip": False}}, 6, 3),
        ({"pixel_replace": {"skip": False}, "cube_build": {"output_type": "channel"}}, 4, 2),
    ],
)
def test_each_cube_and_each_exposure_is_made_once(told, cubes, n):
    found = parts(EXPOSURES, Spec3Params.preset("archive").updated(told))
    made = [bands for part in found for bands in part.cubes]
    assert len(made) == len(set(made)) == cubes
    assert len(found) == n
    assert sorted(name for part in found for name in part.writes) == sorted(e.name for e in EXPOSURES)
    for part in found:
        assert part.writes <= part.needs
        used = {e.name for e in EXPOSURES for bands in part.cubes if set(bands) & set(e.bands)}
        assert part.needs == (used or part.needs)


def test_work_is_shared_evenly():
    assert {len(part.writes) for part in parts(EXPOSURES, Spec3Params())} == {2}


@pytest.fixture
def run(small_dataset, monkeypatch, tmp_path):
    """Runs level 3 in parts, in threads of this process instead of workers; `make` does the last stage."""

    def start(make=None, executor=None, *, resume=False):
        @contextmanager
        def connected(*_):
            with executor or ThreadPoolExecutor(2) as pool:
                yield Place(pool)

        monkeypatch.setattr(level3, "connected", connected)
        if make is not None:
            monkeypatch.setattr(level3, "make", make)
        association = read_association(small_dataset.association)
        params = Spec3Params.preset("archive").updated({"outlier_detection": {"skip": True}})
        told = {"references": load_references(), "exposures": open_science(association)}
        told |= {"output_dir": tmp_path / "out", "resume": resume}
        return level3.spec3_on("tcp://s:1", association, params, **told)

    return start


def test_what_is_wrong_with_a_part_is_said_and_nothing_is_left(run, tmp_path):
    def wrong(_whole, **_):
        msg = "x_cal.fits: truncated"
        raise InputError(msg)

    with pytest.raises(InputError, match="x_cal"):
        list(run(wrong))
    assert not list((tmp_path / "out").iterdir())

    def unforeseen(_whole, **_):
        raise ZeroDivisionError

    with pytest.raises(MrsnbError, match=r"part \d: unforeseen ZeroDivisionError"):
        list(run(unforeseen))


def test_parts_that_are_done_are_kept(run, tmp_path):
    *_, last = run()
    out = tmp_path / "out"
    (out / "small_ch2-short_x1d.fits").unlink()
    before = {path: path.stat().st_mtime_ns for path in out.glob("*ch1*.fits")}
    kept, made, *_, again = run(resume=True)
    assert kept.title == "cube_build: 1A: kept"
    assert {path.name for path in made.paths} == {"small_ch2-short_s3d.fits", "small_ch2-short_x1d.fits"}
    assert again.kept == {path.name for path in before}
    assert [p.name for p in again.products] == [p.name for p in last.products]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    *_, whole = run(resume=True)
    assert len(whole.kept) == 4


def test_parts_end_when_the_command_does(run, tmp_path, monkeypatch):
    monkeypatch.setattr(level3, "_INTERVAL", 0.05)
    ended, begun = [], threading.Semaphore(0)

    def waits(whole, part, **_):
        if part.number == 0:
            (whole.scratch / "0").mkdir()
            begun.release()
            try:
                while True:
                    go_on()
            except Cancelled:
                (whole.scratch / "0").rmdir()
                ended.append(part.number)
                raise
        begun.acquire(timeout=30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(waits))
    assert ended == [0]
    assert not list((tmp_path / "out").iterdir())


class KilledWorker(Exception):
    """What dask says of work whose workers died."""


KilledWorker.__module__ = "distributed.scheduler"


class Deadly(ThreadPoolExecutor):
    """Workers that die at any work."""

    def __init__(self):
        super().__init__(1)
        self.begun = 0

    def submit(self, *_, **__):
        self.begun += 1
        future = Future()
        future.set_exception(KilledWorker("died"))
        return future


def test_work_whose_workers_always_die_is_given_up(run):
    deadly = Deadly()
    with pytest.raises(OutputError, match=r"part \d: its workers died, 4 times; do they have enough memory\?"):
        list(run(executor=deadly))
    assert 2 * 3 + 1 <= deadly.begun <= 2 * 4


def test_a_piece_is_refused_where_it_is_not_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr(level3, "LATE", 0)

    class Whole:
        folder = tmp_path

    with held(tmp_path) as hold:
        piece = level3.Piece(name="part 0", work=lambda whole: whole.folder, whole=Whole, token=hold.token)
        assert level3.run_piece(piece) == tmp_path
        with pytest.raises(MrsnbError, match="where the command has 0"):
            level3.run_piece(level3.replace(piece, software={"mrsnb": "0"}))
    with pytest.raises(Cancelled, match="its command has ended"):
        level3.run_piece(piece)


def test_what_parts_leave_one_another_is_numbers_and_text(tmp_path):
    rng = np.random.default_rng(3)
    image = rng.random((6, 9)) < 0.5
    tally = Tally(*(rng.integers(0, 9, (6, 9)).astype(np.uint16) for _ in range(3)))
    found = Found(
        own={3: Mask.of(image)}, common={"MIRIFUSHORT": Mask.of(~image)}, tallies={"MIRIFULONG": tally},
        usable={0: Mask.of(image), 12: Mask.of(image[:, :4])}, notes=["1A: \u661f", ""],
    )  # fmt: skip
    arrays = _arrays_of(found)
    assert all(array.dtype.kind in "uiU" for array in arrays.values())
    np.savez(tmp_path / "a.npz", **arrays)
    again = _read_found(tmp_path / "a.npz")
    assert again.notes == found.notes
    for name in ("own", "common", "usable"):
        assert getattr(again, name).keys() == getattr(found, name).keys()
        for key, mask in getattr(found, name).items():
            assert np.array_equal(getattr(again, name)[key].image(), mask.image())
    assert all(np.array_equal(*pair) for pair in zip(again.tallies["MIRIFULONG"], tally, strict=True))


def test_what_would_have_to_be_unpickled_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", notes=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        _read_found(tmp_path / "a.npz")
