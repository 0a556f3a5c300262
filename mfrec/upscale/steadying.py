"""Steady videos: each enlarged picture averaged with those of the moments around it, laid onto it.

What a method makes of one frame and of the next differs by the errors of registration, by the noise of the frame that
is the reference and by how finely that was coded, and the eye sees it as flicker. The pictures of the moments before
and after are registered onto each one, and an average of five shows a fifth of what is each one's own. Where a picture
differs by more than such errors (another expression, what is hidden there, a cut) it has no weight. Nothing is fed
back, so no error stays for longer than the neighbours reach, and a run that was stopped goes on with the same pictures.
(Temporal filtering along motion, as Dubois and Sabri, "Noise reduction in image sequences using motion-compensated
temporal filtering", IEEE Transactions on Communications 1984, with finite support and on the results.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mfrec.image.colour import luma
from mfrec.image.filters import gaussian
from mfrec.image.geometry import warp
from mfrec.registration.dense import register
from mfrec.types import Canvas, FloatArray, Frame, Similarity
from mfrec.upscale.asked import Asked
from mfrec.upscale.made import Enlarge, Made
from mfrec.upscale.seam import put_back

UNLIKE = 24 / 255
"""Local root-mean-square difference of luma at which a picture has ``1 / e`` of its weight: three times what noise and
errors of registration leave between fused pictures, and a third of what another wall or a cut shows."""

LAID = 0.1
"""Mean weight of a picture from which on it counts as one that was averaged. Pictures of one scene have 0.5 and more;
those on both sides of a cut up to 0.08, where they happen to be alike."""

MOVES = 0.25
"""Share of its side by which a part of a frame may move to one of the neighbours."""


def steadied(picture: FloatArray, others: Sequence[FloatArray], scale: int) -> tuple[FloatArray, list[float]]:
    """A picture averaged with others of the same scene, registered onto it.

    Args:
        picture: ``[scale h, scale w, 3]`` float32 in [0, 1].
        others: of the same shape, mostly of the moments before and after; their light is matched.
        scale: pixels of it per pixel of a frame, along each side.

    Returns:
        The average, shaped like the picture, and the mean weight of each other in it, up to 1; the picture has 1.
    """
    rows, columns = picture.shape[:2]
    canvas = Canvas(0, 0, columns // scale, rows // scale, scale)
    total, weight = picture.astype(np.float32), np.ones((rows, columns), np.float32)
    shares: list[float] = []
    for other in others:
        found = register(picture, other, Similarity.identity(), canvas)
        laid = warp(other, found.look_up) * found.gain + found.offset
        apart = gaussian((luma(laid) - luma(picture)) ** 2, float(scale))
        share = found.trust * np.exp(-apart / UNLIKE**2)
        total += share[..., None] * laid
        weight += share
        shares.append(float(share.mean(dtype=np.float64)))
    return np.clip(total / weight[..., None], 0, 1), shares


@dataclass(frozen=True)
class Steady:
    """Enlarges by a method, and steadies what it makes.

    Attributes:
        enlarge: the method.
        scale: of it.
        inner: how many frames before and after each one the method needs.
        around: how many pictures before and after each one it is averaged with.
    """

    enlarge: Enlarge
    scale: int
    inner: int
    around: int
    _made: dict[int, Made] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, frames: Sequence[Frame], position: int) -> Made:
        """See :data:`mfrec.upscale.made.Enlarge`; made of the frames of all pictures that count in the average.

        Args:
            frames: ``inner + around`` of them on each side, fewer at the ends of a video.
            position: of the frame that is enlarged.
        """
        near = range(max(0, position - self.around), min(len(frames), position + self.around + 1))
        made = {place: self._of(frames, place) for place in near}
        for index in set(self._made) - {frames[place].index for place in near}:
            del self._made[index]
        own = made.pop(position)
        rows, columns = own.image.shape[:2]
        y0, y1, x0, x1 = own.part or (0, rows, 0, columns)
        if y0 == y1 or x0 == x1:
            return own
        others = [other for other in made.values() if other.image.shape == own.image.shape and _shown(other, own)]
        part, shares = steadied(own.image[y0:y1, x0:x1], [other.image[y0:y1, x0:x1] for other in others], self.scale)
        laid = (other.used for other, share in zip(others, shares, strict=True) if share >= LAID)
        canvas = Canvas(
            x0 // self.scale, y0 // self.scale, (x1 - x0) // self.scale, (y1 - y0) // self.scale, self.scale
        )
        return Made(put_back(own.image, part, canvas), own.used.union(*laid), own.part)

    def _of(self, frames: Sequence[Frame], place: int) -> Made:
        """What the method makes of one of the frames, which is kept as long as it is needed."""
        index = frames[place].index
        if index not in self._made:
            first = max(0, place - self.inner)
            self._made[index] = self.enlarge(frames[first : place + self.inner + 1], place - first)
        return self._made[index]


def steadied_as_asked(enlarge: Enlarge, asked: Asked, scale: int) -> Enlarge:
    """A method, steadied where that is asked for.

    Args:
        enlarge: the method.
        asked: see :attr:`mfrec.upscale.asked.Asked.steadies`.
        scale: of the method.
    """
    return Steady(enlarge, scale, asked.window // 2, asked.steadies) if asked.steadies else enlarge


def _shown(other: Made, own: Made) -> bool:
    """Whether the method made another picture at about the place where it made this one."""
    if other.part is None or own.part is None:
        return other.part is own.part
    sides = (own.part[1] - own.part[0], own.part[3] - own.part[2])
    middles = [((y0 + y1) / 2, (x0 + x1) / 2) for y0, y1, x0, x1 in (other.part, own.part)]
    there = other.part[1] > other.part[0]
    return there and all(abs(a - b) <= MOVES * side for a, b, side in zip(*middles, sides, strict=True))
