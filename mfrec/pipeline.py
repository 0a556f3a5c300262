"""Stages, the run they share, and the pipeline that chains them.

A stage is a frozen dataclass: its fields are its configuration. Calling it with a
:class:`~mfrec.types.FaceTrack` and a :class:`Run` returns a new track. What a stage needs and gives is
declared on the class, so that :class:`Pipeline` can refuse an impossible chain before any work is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from mfrec.errors import UsageError
from mfrec.types import FaceTrack

Progress = Callable[[str, int, int], None]


def silent(_stage: str, _done: int, _total: int) -> None:
    """The progress callback that shows nothing."""


@dataclass
class Run:
    """What the stages of one run share. There are no globals; a test passes its own.

    Attributes:
        device: ``"cpu"`` or ``"cuda"``, already resolved.
        seed: of every random draw.
        progress: called as ``progress(stage, done, total)``.
        steps: filled by the pipeline, one :class:`Step` a stage.
        load: from the name of a card to the network; None means :func:`mfrec.cards.load.shared_network` on the device.
    """

    device: str = "cpu"
    seed: int = 0
    progress: Progress = silent
    steps: list[Step] = field(default_factory=list)
    load: Callable[[str], Any] | None = None
    _networks: dict[str, Any] = field(default_factory=dict, repr=False)
    _resolved: dict[str, Any] = field(default_factory=dict, repr=False)

    def network(self, card: str, *kinds: str) -> Any:
        """The network of a card on this run's device, loaded once.

        Args:
            card: see :func:`mfrec.cards.load.load_network`.
            kinds: which networks of :data:`mfrec.nets.NETS` it may be; none takes any.

        Raises:
            WeightsError: see :func:`mfrec.cards.load.load_network`, or it is of another kind.
        """
        if card not in self._networks:
            if self.load is None:
                from mfrec.cards.load import check_kind, shared_network

                check_kind(card, *kinds)
                self._networks[card] = shared_network(card, self.device)
            else:
                self._networks[card] = self.load(card).to(self.device)
        return self._networks[card]

    def resolve(self, values: dict[str, Any]) -> None:
        """Record what a stage has put in the place of parameters that were left to it (``"auto"``)."""
        self._resolved |= values

    def finish_step(self, stage: Stage, seconds: float) -> None:
        """Record a stage that has run, with the parameters it really used."""
        summary = (type(stage).__doc__ or "").strip().split("\n")[0]
        used = parameters(stage) | self._resolved
        self._resolved = {}
        self.steps.append(Step(stage.name, used, seconds, summary, stage.literature))


@dataclass(frozen=True)
class Step:
    """The record of one stage: what ran, with which resolved parameters, for how long.

    Attributes:
        stage: name, as recipes and ``--set`` know it.
        parameters: every field of the stage, JSON types only.
        seconds: wall time.
        method: one sentence for the report, first line of the stage's docstring.
        literature: references, from the stage's ``literature`` attribute.
    """

    stage: str
    parameters: dict[str, Any]
    seconds: float
    method: str
    literature: tuple[str, ...] = ()


@runtime_checkable
class Stage(Protocol):
    """One verb.

    ``needs`` and ``gives`` use the words of :data:`FACTS`. ``learned`` says whether a network makes pixels of the
    result, which is more than finding a face or naming its regions.
    """

    @property
    def learned(self) -> bool: ...

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    gives: ClassVar[frozenset[str]]
    literature: ClassVar[tuple[str, ...]]

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack: ...


def in_range(name: str, value: float, low: float, high: float) -> None:
    """Refuse a parameter that is not a number from ``low`` to ``high``, both included.

    Raises:
        UsageError: naming the parameter, its value and the range.
    """
    if not low <= value <= high:  # false for NaN too
        raise UsageError(f"{name} is {value}; expected {low:g} to {high:g}")


FACTS = (
    "frames",
    "boxes",
    "landmarks",
    "reference",
    "registration",
    "regions",
    "quality",
    "sources",
    "cleaned",
    "fused",
)
"""What a track may hold; ``frames`` is there from the start."""


class Pipeline:
    """Stages in a row.

    Args:
        stages: each a frozen dataclass with the attributes of :class:`Stage`.
        given: what the track holds already.

    Raises:
        UsageError: a stage needs something that no earlier stage gives, or would overwrite the picture of one.
    """

    def __init__(self, stages: Sequence[Stage], given: Iterable[str] = ("frames",)) -> None:
        have, made = set(given), set[str]()
        for stage in stages:
            missing = stage.needs - have
            if missing:
                makers = ", ".join(sorted(missing))
                raise UsageError(f"stage '{stage.name}' needs {makers}, but no stage before it gives that")
            if "fused" in (stage.gives & made) - stage.needs:
                raise UsageError(
                    f"stage '{stage.name}' would throw away the picture that a stage before it made; leave one out"
                )
            have |= stage.gives
            made |= stage.gives
        self.stages = tuple(stages)

    def __call__(self, track: FaceTrack, run: Run) -> FaceTrack:
        for stage in self.stages:
            start = time.perf_counter()
            track = stage(track, run)
            run.finish_step(stage, time.perf_counter() - start)
        return track


def parameters(stage: Stage) -> dict[str, Any]:
    """The configuration of a stage as plain values."""
    if not is_dataclass(stage) or isinstance(stage, type):
        raise TypeError(f"a stage is an instance of a dataclass, not {type(stage).__name__}")
    return asdict(stage)
