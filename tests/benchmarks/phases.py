"""Where the time of a run goes, by phase: functions are timed from outside, the package knows nothing of it.

Every function and method of the modules in `PHASES` switches a clock to its module's phase, and back when it returns,
so that each second is counted once, in the innermost phase that is known. Modules that are not listed count for who
calls them. Only the main thread is looked at: run with ``MRSNB_NUM_THREADS=1``.
"""

import builtins
import functools
import importlib
import inspect
import json
import pkgutil
import sys
import threading
import time

START, REST = "Python and imports", "planning and the rest"
KERNELS = "kernels loaded or compiled"
CHECKSUMS, READING, GEOMETRY, DEPOSIT = "checksums", "reading", "geometry", "deposit"
NORMALISE, OUTLIERS, BACKGROUND = "field of view, normalise", "outliers", "master background"
OTHER, EXTRACTION, FRINGES, WRITING = "other steps", "extraction", "residual fringes", "writing"

PHASES = {
    "mrsnb.io.provenance": CHECKSUMS,
    "mrsnb.io": READING,
    "mrsnb.io.products": WRITING,
    "mrsnb.io.s3d": WRITING,
    "mrsnb.io.x1d": WRITING,
    "mrsnb.io.bintable": WRITING,
    "mrsnb.io.pixels": WRITING,
    "mrsnb.io.atomic": WRITING,
    "mrsnb.io.exposure_files": WRITING,
    "mrsnb.io.asdf_extension": WRITING,
    "mrsnb.io.transfer": WRITING,
    "mrsnb.io.images": WRITING,
    "mrsnb.geometry": GEOMETRY,
    "mrsnb.kernels.slices": GEOMETRY,
    "mrsnb.kernels.tangent": GEOMETRY,
    "mrsnb.kernels.usable": DEPOSIT,
    "mrsnb.kernels.drizzle": DEPOSIT,
    "mrsnb.kernels.shepard": DEPOSIT,
    "mrsnb.kernels.field": NORMALISE,
    "mrsnb.kernels.normalize": NORMALISE,
    "mrsnb.steps.outlier_detection": OUTLIERS,
    "mrsnb.steps.master_background": BACKGROUND,
    "mrsnb.steps.combine_1d": BACKGROUND,
    "mrsnb.steps.cube_build.plan": REST,
    "mrsnb.steps.cube_build": DEPOSIT,
    "mrsnb.steps": OTHER,
    "mrsnb.steps.extract_1d": EXTRACTION,
    "mrsnb.steps.spectral_leak": EXTRACTION,
    "mrsnb.steps.residual_fringe": FRINGES,
    "mrsnb.steps.continuum": FRINGES,
}
"""The longest name counts, that of a module or of its package."""

ORDER = (START, KERNELS, CHECKSUMS, READING, GEOMETRY, DEPOSIT, NORMALISE, OUTLIERS, BACKGROUND, OTHER, EXTRACTION)
ORDER += (FRINGES, WRITING, REST)


class Clock:
    """Wall and CPU seconds of each phase."""

    def __init__(self):
        self.wall, self.cpu = {}, {}
        self.phase = REST
        self.last = time.perf_counter(), time.process_time()
        self.thread = threading.get_ident()
        self.spectra = 0.0

    def switch(self, phase):
        """Go on in another phase; return the one before."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.wall[self.phase] = self.wall.get(self.phase, 0.0) + wall - self.last[0]
        self.cpu[self.phase] = self.cpu.get(self.phase, 0.0) + cpu - self.last[1]
        self.last = wall, cpu
        before, self.phase = self.phase, phase
        return before

    def timed(self, function, phase):
        """Return a function that does the same, in that phase."""

        @functools.wraps(function, updated=())
        def timed(*args, **kwargs):
            if self.phase == phase or threading.get_ident() != self.thread:
                return function(*args, **kwargs)
            before = self.switch(phase)
            try:
                return function(*args, **kwargs)
            finally:
                self.switch(before)

        vars(timed).update(
            {k: v for k, v in getattr(function, "__dict__", {}).items() if k in {"register", "dispatch"}}
        )
        return timed


def phase_of(module):
    """Return the phase of a module; None if it counts for who calls it."""
    while module:
        if module in PHASES:
            return PHASES[module]
        module = module.rpartition(".")[0]
    return None


def watch(clock):
    """Time every function of the modules in `PHASES`, imports, and numba's loading and compiling of kernels."""
    from numba.core.dispatcher import Dispatcher

    import mrsnb

    names = [info.name for info in pkgutil.walk_packages(mrsnb.__path__, "mrsnb.")]
    parts = ("core", "geometry", "io", "kernels", "pipeline", "steps")
    modules = [importlib.import_module(n) for n in names if n.split(".")[1] in parts]
    wrapped = {}
    for module in modules:
        for value in list(vars(module).values()):
            phase = phase_of(getattr(value, "__module__", None) or "")
            if phase is None or id(value) in wrapped:
                continue
            if inspect.isclass(value):
                _watch_methods(clock, value, phase)
            elif _is_work(value) or isinstance(value, Dispatcher):
                wrapped[id(value)] = value, clock.timed(value, phase)
    for module in modules:
        in_kernels = module.__name__.startswith("mrsnb.kernels")
        for name, value in list(vars(module).items()):
            found, timed = wrapped.get(id(value), (None, None))
            # compiled functions must find each other as they are
            if found is value and not (in_kernels and isinstance(value, Dispatcher)):
                setattr(module, name, timed)
    Dispatcher.compile = clock.timed(Dispatcher.compile, KERNELS)
    _watch_imports(clock)


def _is_work(value):
    return inspect.isfunction(value) and not inspect.isgeneratorfunction(inspect.unwrap(value))


def _watch_methods(clock, kind, phase):
    for name, value in list(vars(kind).items()):
        if isinstance(value, functools.cached_property):
            value.func = clock.timed(value.func, phase)
        elif isinstance(value, property):
            setattr(kind, name, property(clock.timed(value.fget, phase), doc=value.__doc__))
        elif _is_work(value) and (not name.startswith("__") or name in {"__init__", "__post_init__"}):
            setattr(kind, name, clock.timed(value, phase))


def _watch_imports(clock):
    original = builtins.__import__
    timed = clock.timed(original, START)

    def load(name, *rest, **given):
        return (original if name in sys.modules else timed)(name, *rest, **given)

    builtins.__import__ = load


def _count_periodograms(clock):
    """Count the operations of the periodograms, whose number depends on what is found."""
    from mrsnb.kernels import sines
    from mrsnb.steps.residual_fringe import step

    original = step.strongest_frequency

    def counted(x, y, weights, low, high):
        clock.spectra += 16.0 * x.size * (high - low) * (x.max() - x.min()) * getattr(sines, "_OVERSAMPLING", 12.0)
        return original(x, y, weights, low, high)

    step.strongest_frequency = counted


def run(association, folder, references, preset, options):
    """Run level 3 once; print, as JSON, what each phase took and how much there was to do."""
    start, cpu = time.perf_counter(), time.process_time()
    from run_parity import asked

    from mrsnb.io import references as files
    from mrsnb.pipeline import Spec3Params
    from mrsnb.pipeline import run as pipeline

    imported = time.perf_counter() - start, time.process_time()
    clock = Clock()
    watch(clock)
    _count_periodograms(clock)
    params = Spec3Params.preset(preset).updated(asked(options))
    clock.switch(REST)
    clock.wall.clear()
    clock.cpu.clear()
    begin = time.perf_counter()
    values = files.load_references(references)
    for _ in pipeline.spec3(association, params, output_dir=folder, references=values):
        pass
    clock.switch(REST)
    whole = time.perf_counter() - begin
    clock.wall[START] = clock.wall.get(START, 0.0) + imported[0]
    clock.cpu[START] = clock.cpu.get(START, 0.0) + imported[1]
    from lower_bounds import size_of_job

    size = size_of_job(association, folder, clock.spectra)
    print(json.dumps({"wall": clock.wall, "cpu": clock.cpu, "whole call": whole, "before": cpu, "size": size}))
