"""The command line. Every command is a few lines around a function that Python can call as well.

Results go to stdout; progress, warnings and errors go to stderr. Exit codes: 0 done, 1 a repeated run differs, 2 usage,
3 unusable input, 4 weights, 5 the result is unlike its frames (under ``--strict``), 6 a case of a batch did not end by
itself, 7 nothing was changed, but nobody who counts signed it (``verify``; 1 where something was), 130 interrupted.
"""

from __future__ import annotations

import signal
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mfrec.cli.batch import batch, bench_batch, evaluate_batch, upscale_batch
from mfrec.cli.benchmarks import bench
from mfrec.cli.console import check_working_folder, open_streams, print_line, say
from mfrec.cli.custody import keys_list, keys_new, keys_trust, sign, verify
from mfrec.cli.desk import desk
from mfrec.cli.evaluation import evaluate, survey
from mfrec.cli.people import people
from mfrec.cli.records import inspect, rerun
from mfrec.cli.runs import demo, reconstruct, stage
from mfrec.cli.training import train
from mfrec.cli.upscale import upscale
from mfrec.cli.weights import weights_add, weights_directions, weights_export, weights_list, weights_mix, weights_verify
from mfrec.errors import InputError, MfrecError
from mfrec.runtime.interruption import interruptible
from mfrec.runtime.memory import TOO_LITTLE, ran_out
from mfrec.version import __version__


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


app = typer.Typer(
    cls=Commands,
    name="mfrec",
    help="One picture of a face from many poor ones, with a record of where each pixel came from.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
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


# The help lists them in this order.
app.command()(reconstruct)
app.command()(people)
app.command()(inspect)
app.command()(rerun)
app.command()(sign)
app.command()(verify)
app.command()(stage)
app.command()(upscale)
app.command()(batch)
app.command("upscale-batch")(upscale_batch)
app.command()(desk)
app.command()(demo)
app.command()(evaluate)
app.command("evaluate-batch")(evaluate_batch)
app.command()(survey)
app.command()(bench)
app.command("bench-batch")(bench_batch)
app.command()(train)

weights_app = typer.Typer(help="The networks' weights that are installed.", no_args_is_help=True, rich_markup_mode=None)
weights_app.command("list")(weights_list)
weights_app.command("verify")(weights_verify)
weights_app.command("add")(weights_add)
weights_app.command("directions")(weights_directions)
weights_app.command("export")(weights_export)
weights_app.command("mix")(weights_mix)
app.add_typer(weights_app, name="weights")

keys_app = typer.Typer(
    help="The keys that you sign with, and those that you trust.", no_args_is_help=True, rich_markup_mode=None
)
keys_app.command("new")(keys_new)
keys_app.command("list")(keys_list)
keys_app.command("trust")(keys_trust)
app.add_typer(keys_app, name="keys")


def main() -> None:
    """The script ``mfrec``."""
    open_streams()
    app(prog_name="mfrec")
