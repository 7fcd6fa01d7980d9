"""How the command line says what went wrong: one line on standard error, and an exit status.

The status is 0 if all is done, 1 if `mrsnb compare` found a difference or something unforeseen happened, 2 for wrong
input or options, 130 if interrupted, by Ctrl-C or SIGTERM.
"""

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import click

from mrsnb.display.text import clean
from mrsnb.errors import MrsnbError, ParamError, explained, nearest

log = logging.getLogger("mrsnb")

UNFORESEEN, REFUSED, INTERRUPTED = 1, 2, 130


_OF_THE_SYSTEM = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
    *(errno.EFBIG, errno.ENFILE, errno.EMFILE, errno.ENOENT, errno.ENOTDIR, errno.ESTALE),
}
"""Reasons of the system to refuse anything, which no code foresees everywhere and every user understands."""

_LESS_MEMORY = (
    "close other programs, set MRSNB_NUM_THREADS=1, or ask for less at a time: --steps.cube_build.channel, wavemin and "
    "wavemax, memory_limit"
)
_OUT_OF_MEMORY = ("can't start new thread", "failed to map segment", "annot allocate memory", "llocation failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error is one of the several that say that there is no more memory."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    causes = (error, error.__cause__, error.__context__)
    return any(isinstance(cause, MemoryError) for cause in causes) or (
        isinstance(error, RuntimeError | ImportError | OSError) and any(said in str(error) for said in _OUT_OF_MEMORY)
    )


class Commands(click.Group):
    """The commands; `main` turns every failure into one line and a status."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **settings: Any
    ) -> int:
        """Run a command line; exit with its status, or return it if ``standalone_mode=False``."""
        standalone = settings.pop("standalone_mode", True)
        with _logging(), _terminable():
            status = self._status(args, prog_name or "mrsnb", settings)
        if standalone:
            sys.exit(status)
        return status

    def _status(self, args: Sequence[str] | None, prog_name: str, settings: dict[str, Any]) -> int:
        try:
            status = super().main(args, prog_name, standalone_mode=False, **settings)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return REFUSED
        except BrokenPipeError:  # `mrsnb presets | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return UNFORESEEN
        except Exception as error:
            message, status = _told(error)
            if status == UNFORESEEN and is_verbose():
                raise
            click.echo(f"mrsnb: error: {clean(' '.join(message.split()))}", err=True)
        return status if isinstance(status, int) else 0

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command of a parsed command line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.Abort from None

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands' names as they follow each other in use."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names."""
        if self.get_command(ctx, args[0].replace("-", "_")) is None and not args[0].startswith("-"):
            names = self.list_commands(ctx)
            msg = f"unknown command {args[0]!r}{_suggestion(args[0], names) or '; one of ' + ', '.join(names)}"
            raise click.UsageError(msg, ctx)
        return super().resolve_command(ctx, args)


@contextmanager
def _terminable() -> Iterator[None]:
    """Take SIGTERM, which machines send before they kill, as Ctrl-C: nothing half-written and no process is left."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        if before is not None:  # else it was set by other than Python, which cannot set it again
            signal.signal(signal.SIGTERM, before)


def verbose_option(command: Any) -> Any:
    """Add the option ``--verbose``."""

    def raise_level(_ctx: click.Context, _option: click.Parameter, value: bool) -> None:
        if value:
            be_verbose()

    option = click.option(
        "-v",
        "--verbose",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=raise_level,
        help="Say what is done, and show where an unforeseen error comes from.",
    )
    return option(command)


def be_verbose() -> None:
    """Say what is done, and show where an unforeseen error comes from."""
    log.setLevel(logging.INFO)
    logging.getLogger("py.warnings").setLevel(logging.WARNING)


def log_to(level: str | None, stream: str | None) -> None:
    """Set from which level on the log is shown, and where: ``"stderr"``, ``"stdout"`` or ``"null"``.

    Raises
    ------
    ParamError
        If there is no such level or stream.
    """
    levels, streams = ("debug", "info", "warning", "error", "critical"), ("stderr", "stdout", "null")
    for what, value, allowed in (("log-level", level, levels), ("log-stream", stream, streams)):
        if value is not None and value.lower() not in allowed:
            msg = f"--{what}={value}: not allowed{nearest(value.lower(), list(allowed))}"
            raise ParamError(msg)
    if level is not None:
        log.setLevel(level.upper())
    for handler in (shown for shown in log.handlers if isinstance(shown, _OnError)):
        handler.stream = "stderr" if stream is None else stream.lower()


def is_verbose() -> bool:
    """Return whether the command was given ``--verbose``."""
    return log.level <= logging.INFO


class _OnError(logging.Handler):
    """Writes records to standard error or elsewhere, above a progress bar if there is one."""

    stream = "stderr"

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        if self.stream != "null":
            text = f"mrsnb: {record.levelname.lower()}: {clean(record.getMessage())}"
            tqdm.write(text, file=getattr(sys, self.stream))


@contextmanager
def _logging() -> Iterator[None]:
    """Show the log from warnings up while a command runs; libraries' own warnings with ``--verbose`` only."""
    handler, libraries = _OnError(), logging.getLogger("py.warnings")
    before = log.level, libraries.level, log.propagate
    log.setLevel(logging.WARNING)
    libraries.setLevel(logging.CRITICAL)
    log.propagate = False
    logging.captureWarnings(capture=True)
    for logger in (log, libraries):
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in (log, libraries):
            logger.removeHandler(handler)
        logging.captureWarnings(capture=False)
        log.setLevel(before[0])
        libraries.setLevel(before[1])
        log.propagate = before[2]


def _told(error: Exception) -> tuple[str, int]:
    """Return what to say of an error, and the exit status."""
    if isinstance(error, click.Abort):
        return "interrupted", INTERRUPTED
    if isinstance(error, MrsnbError):
        where = explained(error)
        return f"{error}; see {where}" if where else str(error), REFUSED
    if isinstance(error, click.ClickException):
        return _usage(error), REFUSED
    if is_out_of_memory(error):
        why = f" ({error})" if str(error) else ""
        return f"out of memory{why}; {_LESS_MEMORY}", REFUSED
    if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{error.strerror}", REFUSED
    return f"unforeseen {type(error).__name__}: {error}; --verbose shows where: please report it", UNFORESEEN


def _usage(error: click.ClickException) -> str:
    """Return what is wrong with a command line, and where help is."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and ctx is not None:
        message = _unknown_option(error.option_name, ctx)
    else:
        message = error.format_message().rstrip(".")
    return f"{message} (see '{ctx.command_path} --help')" if ctx is not None else message


def _unknown_option(name: str, ctx: click.Context) -> str:
    known = [opt for option in ctx.command.get_params(ctx) for opt in option.opts if opt.startswith("--")]
    return f"unknown option {name}{_suggestion(name, known)}"


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
