"""What is asked of an enlargement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mfrec.documents import shaped
from mfrec.errors import UsageError
from mfrec.options import Options
from mfrec.types.geometry import MAX_SCALE

if TYPE_CHECKING:
    from mfrec.imageio.pieces import Coding

BICUBIC = "bicubic"

WIDEST = 31
"""Frames of a window; more than that gain nothing, see ``mfrec bench --protocol long``."""

USUALLY_STEADY = 2
"""Of a window. An average of three pictures leaves a seventh more flicker than of five."""

STEADIEST = 5
"""Moments on each side; a face has another expression further away."""


@dataclass(frozen=True)
class Asked:
    """The options of ``mfrec upscale`` that decide about the result.

    Attributes:
        method: ``"bicubic"``, or a network, see :func:`mfrec.cards.single_picture.find_single_picture`; it sees one
            frame at a time.
        scale: output pixels of a frame's pixel along each side; None is the network's own, else 4.
        window: how many successive frames each one is fused from, odd; 1 runs the same chain on each by itself, 0 the
            method.
        steady: with how many enlarged pictures before and after it each one is averaged, see
            :mod:`mfrec.upscale.steadying`; None is :data:`USUALLY_STEADY` where a window has several frames, else 0.
        recipe: whose alignment, cleaning and fusion fuse a window: a name or a TOML file.
        settings: single parameters of its stages, ``"stage.key=value"``.
        face: enlarge by the method only the face that is followed, and everything else by bicubic interpolation.
        subject, box: whom to follow, see :func:`mfrec.reconstruct`.
        start, end, deinterlace: which frames of a video, see :func:`mfrec.imageio.stream`.
        crf, lossless: how a video is coded, see :class:`mfrec.imageio.pieces.Coding`.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        seed: of every random draw of a window's chain.
    """

    method: str = BICUBIC
    scale: int | None = None
    window: int = 0
    steady: int | None = None
    recipe: str = "evidence"
    settings: tuple[str, ...] = ()
    face: bool = False
    subject: str | int = "auto"
    box: str | None = None
    start: float | None = None
    end: float | None = None
    deinterlace: bool = False
    crf: int = 12
    lossless: bool = False
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: a value out of its range, or options that contradict each other.
        """
        if self.scale is not None and not 1 <= self.scale <= MAX_SCALE:
            raise UsageError(f"--scale is {self.scale}; expected a whole number from 1 to {MAX_SCALE}")
        if self.window and (not 1 <= self.window <= WIDEST or self.window % 2 == 0):
            raise UsageError(
                f"--window is {self.window}; expected an odd number of frames from 1 to {WIDEST}, the frame itself in "
                "the middle"
            )
        if self.window and self.method != BICUBIC:
            raise UsageError(
                f"--window fuses each frame from its neighbours by a recipe, and --method {self.method} sees one frame "
                "at a time; give one of them (a recipe with the stage finetune takes a network of single pictures)"
            )
        if self.steady is not None and not 0 <= self.steady <= STEADIEST:
            raise UsageError(f"--steady is {self.steady}; expected a whole number of pictures from 0 to {STEADIEST}")
        if not self.window and (self.settings or self.recipe != "evidence"):
            raise UsageError("--recipe and --set say how the frames of a window are fused; add --window 5")
        if not self.face and (self.subject != "auto" or self.box is not None):
            raise UsageError("--subject and --box say whose face is followed; add --face")
        _ = self.coding  # checks its values

    @property
    def coding(self) -> Coding:
        """Of a video."""
        from mfrec.imageio.pieces import Coding

        return Coding(self.crf, self.lossless)

    @property
    def steadies(self) -> int:
        """With how many pictures before and after it each one is averaged."""
        if self.steady is not None:
            return self.steady
        return USUALLY_STEADY if self.window > 1 else 0

    @property
    def reach(self) -> int:
        """How many frames before and after each one are needed."""
        return self.window // 2 + self.steadies

    def person(self) -> Options:
        """Whom to follow, as the search for people takes it."""
        return Options(subject=self.subject, box=self.box)

    def record(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "settings": list(self.settings)}

    @classmethod
    def recorded(cls, values: Mapping[str, Any]) -> Asked:
        """What :meth:`record` gave. Records from before pictures were steadied do not say so, and nothing was.

        Raises:
            DocumentError: the values are none of these.
        """
        return shaped({"steady": 0, **values}, cls)
