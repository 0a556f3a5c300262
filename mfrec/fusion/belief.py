"""How far each frame is believed at each pixel: what shows something else, or less, has less to say.

Two judgements keep other moments out of a picture: a frame has to agree with the estimate in detail, and with the
reference without detail. A third lets a patch that is blurred in one frame yield to the frames that are sharp there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mfrec.fusion.by_hand import taken_by_hand
from mfrec.fusion.source import MapSettings, Source
from mfrec.image.colour import luma, rgb_to_ycc
from mfrec.image.filters import gaussian
from mfrec.image.median import median_of
from mfrec.runtime.threads import side_by_side
from mfrec.types import FloatArray

SOMETHING_ELSE = 0.2
"""Likeness to the reference below which a frame shows something else: a blurred patch is alike, noise is not."""


CONTRADICTS = (24 / 255, 48 / 255)
"""Coarse difference to the reference up to which a frame may show the same at another moment, and from which on it
shows something else: the wall behind a head that walks by."""


DISPUTES = (40 / 255, 80 / 255)
"""The same for cleaned frames, whose noise is gone, so that what is as thin as a stroke of a letter shows too: the
clock of a recorder, which stays where it is while the head moves beneath it. From 36 to 72 clips lose 0.005 dB."""


FEW = 0.02
"""Frames that the reference counts for in the mean of the others."""


STRIP = 1 << 15
"""Pixels whose frames are weighed against each other at a time: all of them then stay in the processor's own memory."""


def detail_energy(plane: FloatArray, scale: int) -> FloatArray:
    """Local energy of the finest detail that a frame can hold, ``[H, W]``, in squared grey levels.

    A difference of Gaussians of 0.5 and 1.2 frame pixels, squared and averaged over 1.2 frame pixels. Comparable
    between frames only on one grid.
    """
    band = gaussian(plane, 0.5 * scale) - gaussian(plane, 1.2 * scale)
    return gaussian(band * band, 1.2 * scale)


def unlike(sources: Sequence[Source], scale: int) -> FloatArray:
    """Local mean squared difference of each frame to the reference, ``[N, H, W]``, colours included, detail not.

    Both are blurred by 1.5 frame pixels before. 0 where glare hides the reference: nobody can be compared with it.
    """
    chief = next(source for source in sources if source.is_reference)
    reference = gaussian(rgb_to_ycc(chief.warped), 1.5 * scale)
    out = np.empty((len(sources), *reference.shape[:2]), np.float32)

    def compared(k: int) -> None:
        apart = gaussian(rgb_to_ycc(sources[k].warped), 1.5 * scale) - reference
        out[k] = gaussian(chief.shown * (apart**2).sum(axis=-1), float(scale))

    for _ in side_by_side(compared, range(len(sources))):
        pass
    return out


def uncontradicted(apart: FloatArray) -> FloatArray:
    """How far each frame shows what the reference shows in the coarse, ``[N, H, W]`` in [0, 1], by :data:`CONTRADICTS`,
    from what :func:`unlike` found.

    Frames that agree with each other and not with the reference outvote it otherwise, and a picture of the reference's
    moment would show what is behind it at another one.
    """
    low, high = CONTRADICTS
    return np.clip((high - np.sqrt(apart)) / (high - low), 0.0, 1.0).astype(np.float32)


def undisputed(planes: Callable[[int], FloatArray], count: int, reference: int, scale: int) -> Iterator[FloatArray]:
    """How far each cleaned frame shows what others show too, ``[H, W]`` in [0, 1] for each, by :data:`DISPUTES`.

    The finer one of the two judgements that take a frame's vote: pictures are compared after a blur of 0.75 frame
    pixels. A frame stands alone where it differs from the reference and from the mean of the others, which are weighed
    by their trust: what a patch of the reference lacks, or has too much, they are not blamed for. Nothing is said where
    the reference itself is not trusted, behind glare for one.

    Args:
        planes: gives those of a frame, ``[C, H, W]``: cleaned RGB first and trust last. Each is asked for twice.
        count: of the frames.
        reference: its position among them.
        scale: canvas pixels of a frame pixel.
    """
    low, high = DISPUTES

    def blurred(position: int) -> tuple[FloatArray, FloatArray]:
        seen = planes(position)
        return gaussian(np.ascontiguousarray(seen[:3].transpose(1, 2, 0)), 0.75 * scale), seen[-1, ..., None].copy()

    chief, known = blurred(reference)
    total, trusted = FEW * chief, np.full_like(known, FEW)  # where no other frame is trusted the reference is the mean
    for picture, trust in side_by_side(blurred, [k for k in range(count) if k != reference]):
        total += trust * picture
        trusted += trust

    def share(position: int) -> FloatArray:
        if position == reference:
            return np.ones(known.shape[:2], np.float32)
        picture, trust = blurred(position)
        others = (total - trust * picture) / np.maximum(trusted - trust, 0.5 * FEW)  # rounding takes less than that
        apart = [gaussian((known * (picture - other) ** 2).sum(axis=-1), 0.5 * scale) for other in (chief, others)]
        return np.clip((high - np.sqrt(np.minimum(*apart))) / (high - low), 0.0, 1.0).astype(np.float32)

    return side_by_side(share, range(count))


class Judged(NamedTuple):
    """What is found out of each source by itself before it is believed, a plane ``[H, W]`` each; see :func:`believe`.

    Attributes:
        alike: likeness to the reference, 0..1.
        agree: agreement with the estimate, 0..1.
        energy: of its detail, see :func:`detail_energy`.
    """

    alike: Sequence[FloatArray]
    agree: Sequence[FloatArray]
    energy: Sequence[FloatArray]

    def of(self, positions: Sequence[int]) -> Judged:
        """What is found out of some of the sources, the reference among them; the planes are not copied."""
        return Judged(*([planes[k] for k in positions] for planes in self))


def judge(
    sources: Sequence[Source],
    estimate: FloatArray,
    scale: int,
    settings: MapSettings,
    apart: FloatArray | None = None,
) -> Judged:
    """Compare sources with the estimate and the reference; arguments as for :func:`believe`."""
    centre = luma(estimate)
    chief = next(k for k, source in enumerate(sources) if source.is_reference)
    comparable = sources[chief].shown
    alike = unlike(sources, scale) if apart is None else apart
    for off in alike:  # in place and frame by frame: such stacks are the most memory of a run
        off[:] = 1.0 / (1.0 + off / settings.likeness**2)
    agree, energy = np.empty_like(alike), np.empty_like(alike)

    def compared(k: int) -> None:
        grey = luma(sources[k].warped)
        if k == chief:  # it need not agree with what began with it
            agree[k] = 1.0
        else:
            off = gaussian(comparable * (grey - centre) ** 2, float(scale))
            agree[k] = 1.0 / (1.0 + off / settings.agreement**2)
        energy[k] = detail_energy(grey, scale)

    for _ in side_by_side(compared, range(len(sources))):
        pass
    return Judged(list(alike), list(agree), list(energy))


def believe(
    sources: Sequence[Source],
    estimate: FloatArray,
    scale: int,
    settings: MapSettings,
    apart: FloatArray | None = None,
) -> FloatArray:
    """How far each frame is believed at each canvas pixel, ``[N, H, W]`` in [0, 1].

    The product of what was known beforehand (:attr:`Source.usable`, :attr:`Source.shown`, the registration's trust) and
    three judgements: agreement with the estimate and likeness to the reference (Geman-McClure weights of the local mean
    squared difference, the second with colour and after a blur of 1.5 frame pixels); and detail, so that a blurred
    patch of one frame yields to the sharp frames. Less detail than the median of the frames that are like the reference
    costs weight, more earns none, because noise is detail too. Where glare hides the reference nobody is compared with
    it, nor with an estimate that began with it. What is taken from one frame by hand is not judged.

    Args:
        sources: the frames; one of them is the reference.
        estimate: ``[H, W, 3]`` what the frames are compared with.
        scale: canvas pixels of a reference pixel.
        settings: of the judgements.
        apart: what :func:`unlike` found, where that is known already; its numbers are overwritten.
    """
    return believed(sources, judge(sources, estimate, scale, settings, apart), settings)


def believed(sources: Sequence[Source], judged: Judged, settings: MapSettings) -> FloatArray:
    """The second half of :func:`believe`: the sources beside each other, by what was found out of each of them."""
    alike, agree, energy = judged
    chief = next(k for k, source in enumerate(sources) if source.is_reference)
    floor = np.float32((1 / 255) ** 2)
    height, width = energy[chief].shape
    out = np.empty((len(sources), height, width), np.float32)
    strip = max(1, STRIP // width)

    def weighed(top: int) -> None:
        rows = slice(top, top + strip)
        # What shows something else says nothing about how much detail there is to see here.
        told = [
            np.where(likeness[rows] < SOMETHING_ELSE, energy[chief][rows], own[rows])
            for likeness, own in zip(alike, energy, strict=True)
        ]
        middle = median_of(told) + floor
        for k, source in enumerate(sources):
            detail = np.minimum(1.0, (energy[k][rows] + floor) / middle) ** settings.detail_power
            known = source.usable[rows] * source.shown[rows] * source.registration.trust[rows]
            out[k, rows] = detail * known * agree[k][rows] * alike[k][rows]

    for _ in side_by_side(weighed, range(0, height, strip)):
        pass
    given = [source.given for source in sources]
    return taken_by_hand(out, np.stack(given)) if any(share.any() for share in given) else out
