"""The command line. Every command is a few lines around a function that Python can call as well.

Results go to stdout; progress, warnings and errors go to stderr. Exit codes: 0 done, 1 a repeated run differs, 2 usage,
3 unusable input, 4 weights, 5 the result is unlike its frames (under ``--strict``), 6 a case of a batch did not end by
itself, 7 nothing was changed, but nobody who counts signed it (``verify``; 1 where something was), 130 interrupted.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from mfrec.cli.console import check_working_folder, open_streams, print_line, say
from mfrec.errors import InputError, MfrecError
from mfrec.runtime.interruption import interruptible
from mfrec.runtime.memory import TOO_LITTLE, ran_out
from mfrec.version import __version__

if TYPE_CHECKING:
    app: typer.Typer

COMMANDS: dict[str, str | dict[str, str]] = {
    "reconstruct": "runs:reconstruct",
    "people": "people:people",
    "inspect": "records:inspect",
    "rerun": "records:rerun",
    "sign": "custody:sign",
    "verify": "custody:verify",
    "stage": "runs:stage",
    "upscale": "upscale:upscale",
    "batch": "batch:batch",
    "upscale-batch": "batch:upscale_batch",
    "desk": "desk:desk",
    "demo": "runs:demo",
    "evaluate": "evaluation:evaluate",
    "evaluate-batch": "batch:evaluate_batch",
    "survey": "evaluation:survey",
    "bench": "benchmarks:bench",
    "bench-batch": "batch:bench_batch",
    "train": "training:train",
    "weights": {
        "list": "weights:weights_list",
        "verify": "weights:weights_verify",
        "add": "weights:weights_add",
        "directions": "weights:weights_directions",
        "export": "weights:weights_export",
        "mix": "weights:weights_mix",
    },
    "keys": {
        "new": "custody:keys_new",
        "list": "custody:keys_list",
        "trust": "custody:keys_trust",
    },
}
"""Every command, in the order of the help, to the module of this package and the function that it is; or a group of
them. What was typed needs one, and importing and declaring all takes a fifth of a second."""

GROUPS = {
    "weights": "The networks' weights that are installed.",
    "keys": "The keys that you sign with, and those that you trust.",
}


class Commands(TyperGroup):
    """Turns what mfrec raises on purpose into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # Typer's own context class is private
        try:
            check_working_folder()
            with interruptible():
                return super().invoke(ctx)
        except MfrecError as error:
            say(f"error: {error}")
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            if error.filename is None:
                raise
            # A name that is too long, or in a folder that may not be looked into, wherever it was met.
            say(f"error: '{error.filename}' cannot be used: {error.strerror}; give another path")
            raise typer.Exit(InputError.exit_code) from None
        except Exception as error:
            if not ran_out(error):
                raise
            say(f"error: {TOO_LITTLE}")
            raise typer.Exit(InputError.exit_code) from None
        except KeyboardInterrupt:
            say("interrupted; no half-written output is left, and an earlier one is as it was")
            raise typer.Exit(128 + signal.SIGINT) from None


def app_of(commands: Iterable[str]) -> typer.Typer:
    """The command line with some of :data:`COMMANDS`."""
    made = typer.Typer(
        cls=Commands,
        name="mfrec",
        help="One picture of a face from many poor ones, with a record of where each pixel came from.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    made.callback(invoke_without_command=True)(root)
    for name in commands:
        found = COMMANDS[name]
        if isinstance(found, str):
            made.command(name)(_function(found))
            continue
        group = typer.Typer(help=GROUPS[name], no_args_is_help=True, rich_markup_mode=None)
        for inner, place in found.items():
            group.command(inner)(_function(place))
        made.add_typer(group, name=name)
    return made


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"mfrec.cli.{module}"), name)


@functools.cache
def __getattr__(name: str) -> Any:
    """``app``, the whole command line."""
    if name != "app":
        raise AttributeError(f"module 'mfrec.cli' has no attribute '{name}'")
    return app_of(COMMANDS)


def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """One picture of a face from many poor ones, with a record of where each pixel came from."""
    if version:
        print_line(f"mfrec {__version__}")
        raise typer.Exit(0)
    if ctx.invoked_subcommand is None:
        print_line(ctx.get_help())
        raise typer.Exit(2)


YOUNG = 200_000
"""Objects that are made before Python looks for garbage among them. Importing makes half a million that all stay, and
looking through them 560 times took a tenth of a short run; a run leaves next to nothing that only this would find."""


def main() -> None:
    """The script ``mfrec``."""
    open_streams()
    typed = sys.argv[1:2]
    app = app_of(typed if typed and typed[0] in COMMANDS else COMMANDS)
    if typed != ["reconstruct"]:
        return app(prog_name="mfrec")
    gc.set_threshold(YOUNG)
    try:
        app(prog_name="mfrec")
    except SystemExit as ending:
        leave(ending.code)


def leave(code: str | int | None) -> NoReturn:
    """End this process with an exit code, as ``sys.exit`` does, but without taking apart what its end frees anyway.

    That takes half a second with PyTorch loaded. Whoever calls this has nothing open that is not written yet.
    """
    if isinstance(code, str):
        raise SystemExit(code)
    for thread in threading.enumerate():
        # Ctrl-C may have come while one was being started; it is listed, has nothing to do, and cannot be waited for.
        if thread is not threading.current_thread() and not thread.daemon and thread.is_alive():
            thread.join()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except OSError:
        raise SystemExit(code) from None  # which says what cannot be written, and to whom
    os._exit(code or 0)
