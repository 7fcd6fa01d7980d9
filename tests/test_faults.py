"""What goes wrong with machines ends in one clear line and leaves nothing half done; see also benchmarks/faults.py."""

import builtins
import errno
import gzip
import logging
import os
import resource
import shutil
import threading

import numpy as np
import psutil
import pytest
from astropy.io import fits
from click.testing import CliRunner

from mrsnb import templates
from mrsnb.cli import main
from mrsnb.core.memory import available_memory
from mrsnb.errors import InputError, OutputError
from mrsnb.io.atomic import scratch_folder
from mrsnb.io.exposure_files import write_exposure
from mrsnb.io.exposures import open_exposure
from mrsnb.io.spill import spilled
from mrsnb.io.unchanged import refuse_changed, versions_at
from mrsnb.io.verify import verify
from mrsnb.pipeline import Spec3Params, spec3

QUICK = {"cube_build": {"channel": "1", "wavemax": 5.0}}
COMMAND = ["--steps.cube_build.channel=1", "--steps.cube_build.wavemax=5.0"]


def command(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="mrsnb")


def is_one_clear_line(result):
    clear = result.stderr.startswith("mrsnb: error: ") and "unforeseen" not in result.stderr
    return result.exit_code == 2 and clear and result.stderr.count("\n") == 1


class SmallDisk:
    """Files on a disk that has room for so many bytes."""

    def __init__(self, room):
        self.room = room

    def open(self, path, mode, **options):
        file = builtins.open(path, mode, **options)  # noqa: PTH123, SIM115
        write = file.write

        class File:
            def __getattr__(self, name):
                return getattr(file, name)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

        def limited(content):
            self.room -= memoryview(content).nbytes
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(content)

        wrapped = File()
        wrapped.write = limited
        return wrapped


@pytest.mark.parametrize("room", [1000, 26_000_000])
def test_a_disk_that_fills_up(small_dataset, tmp_path, monkeypatch, room):
    monkeypatch.setattr("mrsnb.io.atomic.open", SmallDisk(room).open, raising=False)
    result = command("spec3", small_dataset.association, "--output-dir", tmp_path / "out", *COMMAND)
    assert is_one_clear_line(result)
    assert "cannot be written: the disk is full; free some space" in result.stderr
    left = list((tmp_path / "out").iterdir())
    assert all(path.suffix == ".fits" for path in left)
    assert not left or verify(left).is_intact


def test_a_scratch_folder_or_file_that_cannot_be_made(small_dataset, tmp_path, monkeypatch):
    missing = pytest.raises(OutputError, match="gone: cannot be written: the directory does not exist")
    with missing, scratch_folder(tmp_path / "gone"):
        pass
    (exposure,) = spilled((open_exposure(small_dataset.exposures[0]),), tmp_path / "there")
    exposure.load()
    shutil.rmtree(tmp_path / "there")
    with pytest.raises(OutputError, match="was it removed during the run"):
        exposure.load()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    (exposure,) = spilled((open_exposure(small_dataset.exposures[0]),), tmp_path / "full")
    with pytest.raises(OutputError, match="the disk is full"):
        exposure.load()


def test_a_read_only_directory(small_dataset, tmp_path, monkeypatch):
    def fixed(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("mrsnb.io.atomic.TemporaryDirectory", fixed)
    result = command("spec3", small_dataset.association, "--output-dir", tmp_path, *COMMAND)
    assert is_one_clear_line(result)
    assert "the file system is read-only; choose another --output-dir" in result.stderr


def changed(path, *, replace=False):
    """Give the first exposure other numbers, but the same size and time."""
    before, target = path.stat(), path.with_name("new") if replace else path
    if replace:
        shutil.copy(path, target)
    with (gzip.open if path.suffix == ".gz" else open)(target, "rb") as file:
        content = bytearray(file.read())
    content[3_000_000:3_000_004] = b"\x42\x28\x00\x00"
    target.write_bytes(gzip.compress(content, 0) if path.suffix == ".gz" else content)
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    target.replace(path)


CHANGES = {
    "changed": changed,
    "replaced": lambda path: changed(path, replace=True),
    "cut short": lambda path: os.truncate(path, 2880 * 1000),
    "vanished": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_exposure_that_is_not_the_one_that_was_hashed(small_dataset, tmp_path, change):
    path = tmp_path / "a_cal.fits"
    shutil.copy(small_dataset.exposures[0], path)
    exposure, late = open_exposure(path), open_exposure(path)
    digest, loaded = exposure.checksum, exposure.load()
    CHANGES[change](path)
    with pytest.raises(InputError, match=r"a_cal\.fits: (has changed since|cannot be read any more)"):
        exposure.load()
    with pytest.raises(InputError, match=r"a_cal\.fits: "):
        _ = late.checksum
    with pytest.raises(InputError, match=r"a_cal\.fits: "):
        write_exposure(loaded, exposure, tmp_path / "a_crf.fits")
    assert not (tmp_path / "a_crf.fits").exists()
    if change in ("changed", "replaced"):  # on another machine, that was told what this one knows
        with pytest.raises(InputError, match=r"a_cal\.fits: has changed since"):
            open_exposure(path).remember(digest, exposure.version)


def test_a_compressed_exposure_that_changes(small_dataset, tmp_path):
    path = tmp_path / "a_cal.fits.gz"
    path.write_bytes(gzip.compress(small_dataset.exposures[0].read_bytes(), 0))
    exposure = open_exposure(path)
    exposure.load()
    changed(path)
    with pytest.raises(InputError, match=r"a_cal\.fits\.gz: has changed since"):
        exposure.load()


def test_an_exposure_that_is_only_touched(small_dataset, tmp_path):
    path = tmp_path / "a_cal.fits"
    shutil.copy(small_dataset.exposures[0], path)
    exposure = open_exposure(path)
    digest = exposure.checksum
    os.utime(path, (0, 0))  # the clock may go backwards as well
    first = exposure.load()
    assert np.array_equal(first.flux, exposure.stated(exposure.primary).load().flux, equal_nan=True)
    open_exposure(path).remember(digest, exposure.version)


def test_other_files_that_change_after_they_were_read(tmp_path):
    path = tmp_path / "offsets.asdf"
    path.write_text("one")
    before = versions_at([path, tmp_path / "none"])
    refuse_changed(before)
    path.write_text("two")
    with pytest.raises(InputError, match=r"offsets\.asdf: has changed since"):
        refuse_changed(before)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3.00 GiB for an array"),
        RuntimeError("can't start new thread"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libx.so: failed to map segment from shared object"),
    ],
)
def test_no_more_memory_is_one_line(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("mrsnb.io.compare.compare_runs", fail)
    result = command("compare", "a", "b")
    assert is_one_clear_line(result)
    assert result.stderr.startswith("mrsnb: error: out of memory (")
    assert "memory_limit" in result.stderr


def test_a_limit_of_the_address_space_counts(monkeypatch):
    free = available_memory()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (10**9, resource.RLIM_INFINITY))
    assert available_memory() == pytest.approx(0.8)
    assert free > 0.8


def test_a_notebook_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    place = tmp_path / "a.ipynb"
    templates._WholeFiles.write(f'{{"path": "{templates._WHOLE}a.ipynb"}}', f"{templates._WHOLE}{place}")
    assert place.read_text() == '{"path": "a.ipynb"}'
    monkeypatch.setattr("mrsnb.io.atomic.open", SmallDisk(0).open, raising=False)
    with pytest.raises(OutputError, match="the disk is full"):
        templates._WholeFiles.write("{}", f"{templates._WHOLE}{place}")
    assert place.read_text() == '{"path": "a.ipynb"}'
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]


def test_runs_in_a_row_leave_no_files_threads_or_handles(small_dataset, tmp_path):
    process, found = psutil.Process(), []
    params = Spec3Params.preset("archive").updated(QUICK)
    for number in range(4):
        for result in spec3(small_dataset.association, params, output_dir=tmp_path / str(number % 2)):
            del result
        found.append((process.num_fds(), threading.active_count()))
        assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    assert found[1] == found[2] == found[3]


@pytest.mark.parametrize("value", [np.inf, 3e38])
def test_a_flood_of_huge_numbers_ends_in_products_that_keep_the_rules(small_dataset, tmp_path, value, caplog):
    there = shutil.copytree(small_dataset.association.parent, tmp_path / "in")
    with fits.open(there / small_dataset.exposures[0].name, mode="update", memmap=False) as hdus:
        hdus["SCI"].data[:, ::3] = value
    params = Spec3Params.preset("quicklook").updated(QUICK)
    with caplog.at_level(logging.WARNING):
        for result in spec3(there / small_dataset.association.name, params, output_dir=tmp_path / "out"):
            del result
    with fits.open(tmp_path / "out" / "small_ch1-short_s3d.fits") as hdus:
        fed = hdus["WMAP"].data > 0
        assert fed.any()
        for name in ("SCI", "ERR"):
            assert np.isfinite(hdus[name].data[fed]).all()
            assert np.isnan(hdus[name].data[~fed]).all()
        assert (hdus["DQ"].data[~fed] & 1).all()
