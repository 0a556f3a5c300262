"""A result folder: written whole, or not at all.

Everything is first written into a hidden folder beside the one that was asked for, and reaches the disk there. Then the
two exchange their names in one step, so that the name stands for the earlier result or for the new one at every
instant, whatever ends the run. What was there is removed last, and only if it is an earlier result that nobody changed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from mfrec.errors import UsageError
from mfrec.publication.claims import check_target, foreign, names_in
from mfrec.publication.exchange import exchange
from mfrec.publication.originals import check_apart
from mfrec.publication.partial import JOURNAL, Partial, begin, put_away, remove_leftovers, sync
from mfrec.runtime.interruption import uninterrupted


@contextlib.contextmanager
def staged(
    out: str | os.PathLike[str], *, overwrite: bool = False, originals: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[Path]:
    """An empty folder that becomes ``out`` when the block ends well, and vanishes when it does not.

    What dead runs left beside ``out`` is completed or removed first, see :mod:`mfrec.publication.partial`.

    Args:
        out: the folder to make.
        overwrite: replace an earlier output.
        originals: files and folders that must not be touched.

    Raises:
        UsageError: ``out`` exists, is no output of mfrec, lies among the originals, or cannot be written.
    """
    shown, originals = Path(out), tuple(originals)
    target = resolved(out)
    remove_leftovers(target.parent)

    def check() -> None:
        check_apart(target, shown, originals)
        check_target(target, shown, overwrite=overwrite)

    check()
    made: list[Path] = []
    partial = None
    try:
        with writing(shown), uninterrupted():
            made += make_parents(target)
            partial = begin(target)
        yield partial.result
        check()  # what is in the way now may have come while the block ran
        with writing(shown), uninterrupted():
            publish(partial, shown)
    except BaseException:
        with uninterrupted():
            if partial is not None:
                partial.discard()
            for parent in reversed(made):
                with contextlib.suppress(OSError):
                    parent.rmdir()
        raise
    partial.discard()


def resolved(out: str | os.PathLike[str]) -> Path:
    """Where an output really lies: a link to an output stays a link, and its target is what is replaced.

    Raises:
        UsageError: the name cannot be one of a file.
    """
    name = os.fspath(out)
    if not name or "\0" in name:
        raise UsageError(f"the output {name!r} cannot be a name of a file or folder; choose another with -o")
    return Path(os.path.realpath(name))


def publish(partial: Partial, shown: Path) -> None:
    """Give the new result its name.

    Where two names cannot be exchanged, the earlier result steps aside first. A journal says so: the next run that
    writes beside the name ends what was begun, should this process die between the two steps.

    Raises:
        UsageError: what had the name is no longer an unchanged output; it has it again.
        OSError: it cannot be done; what had the name has it still.
    """
    target = partial.target
    for file in (*partial.result.iterdir(), partial.result):
        sync(file)
    if target.is_dir():
        # Who may look into the folder stays as it was.
        partial.result.chmod(stat.S_IMODE(target.stat().st_mode))
    if not target.is_dir() or not names_in(target):
        partial.result.rename(target)
        sync(target.parent)
        return
    # Under this name it is removed with care only, whichever of the two lies there.
    earlier = partial.result.rename(partial.earlier)
    exchanged = exchange(earlier, target)
    if not exchanged:
        earlier.rename(partial.result)
        in_two_steps(partial)
    why = foreign(earlier)
    if why:
        if exchanged:
            exchange(earlier, target)
            earlier.rename(partial.result)
        else:
            target.rename(partial.result)
            earlier.rename(target)
        raise UsageError(
            f"'{shown}' is not replaced: while this run worked somebody put in {why}; move that away or choose another "
            "folder with -o"
        )
    sync(target.parent)
    aside = put_away(earlier, target)
    if aside is not None:
        raise UsageError(
            f"the new output is at '{shown}'; what somebody put into the earlier one at the last moment is in '{aside}'"
        )


def in_two_steps(partial: Partial) -> None:
    """Take an earlier result from its name and give that to the new one; undone where the second step fails.

    Raises:
        OSError: it was not done.
    """
    (partial.place / JOURNAL).touch()
    sync(partial.place)
    partial.target.rename(partial.earlier)
    try:
        partial.result.rename(partial.target)
    except OSError:
        partial.earlier.rename(partial.target)
        raise


def make_parents(target: Path) -> list[Path]:
    """Make the folders above ``target``; those that were missing, outermost first.

    Raises:
        OSError: one cannot be made.
    """
    missing = [parent for parent in target.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
    return missing[::-1]


@contextlib.contextmanager
def writing(place: Path | None = None) -> Iterator[None]:
    """Say in one sentence why files could not be written, and where, if ``place`` is given.

    Raises:
        UsageError: in the place of an :class:`OSError`.
    """
    try:
        yield
    except OSError as error:
        where = f" '{place}'" if place else ""
        raise UsageError(
            f"cannot write the output{where} ({error.strerror or error}); nothing was changed "
            "there, make room or choose another place with -o"
        ) from None
