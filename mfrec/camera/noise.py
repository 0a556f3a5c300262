"""What a camera and a codec did to the numbers of a frame: the variance of every DCT coefficient's error.

A JPEG file says how coarsely each of its 8 x 8 DCT coefficients was rounded. A coefficient with quantisation
step ``q`` is wrong by at most ``q / 2``; taken as uniform, the variance of its error is ``q**2 / 12``, and those
errors are independent between frames that were coded one by one. This is the noise model of Gunturk, Altunbasak
and Mersereau, "Super-resolution reconstruction of compressed video using transform-domain statistics" (IEEE TIP
2004, eq. 9). It is what lets a frame of quality 90 speak louder than one of quality 30, and a low frequency louder
than a high one.

A picture that was a JPEG once and has been saved since still sits on the quantiser's lattice, so the table can be read
from its pixels (:func:`find_jpeg`), also where it was cut off the grid or saved as a finer JPEG. An H.264 decoder knows
the quantiser of every macroblock, and the error of its frames is taken as white with the variance of that quantiser.
Where nothing is told, or a JPEG file says less than its pixels show, the error is estimated from the pixels
(:mod:`mfrec.camera.history`) and given as the H.264 quantiser that would leave it; the record says that it is an
estimate. A frame without any trace of a codec is taken to be as noisy as coarse video.

What the sensor added is measured too (:mod:`mfrec.camera.sensor`), wherever the codec has left it.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from mfrec.camera.history import SMALLEST, History, grid_shares, history_of, middle, sliding_dct
from mfrec.camera.sensor import sensor_noise
from mfrec.image.colour import rgb_to_ycc
from mfrec.image.cosines import cosine_transform
from mfrec.types import FloatArray, Frame, JpegTables, frozen_array

BLOCK = 8

SENSOR_SIGMA = 2.0 / 255.0
"""Error that remains without any codec: sensor noise and the rounding to 8 bits."""

COARSEST_QUANTISER = 30.5
"""H.264 quantiser beyond which a frame is not trusted less. Most coefficients are then rounded to nothing, so the error
is as large as they were and grows more slowly than the step; and the less the frames are trusted the more the prior
decides. On development clips (quantisers 24 to 44), following the step all the way cost 0.6 dB on average. Also
assumed where no quantiser is known: it is the middle of what surveillance recorders use."""

FINEST_STEP = 0.625
"""Step of the H.264 quantiser 0, in grey levels."""

LEFT_OF_NOMINAL = 0.8
"""Error that is measured in luma as a share of what a quantiser's step lets expect, over libx264's clips: coefficients
that are rounded to nothing lose less than the step allows."""

SURE = 0.94
"""Probability of an earlier coding from which on the pixels are believed against a JPEG file's own tables. Of clips
saved at 90 and 92 four in five frames reach it. Of frames that were JPEGs from the start 1 in 98 does at 32 px and
qualities 30 to 90, and 13 in 98 at 90 with blurred patches, whose missing detail looks like a codec's (development
people)."""

WORSE = 0.9
"""And how large the error must be that they show, as a share of what the tables allow at most: coefficients that are
rounded to nothing err by less than ``q**2 / 12``."""

LATTICE_BELOW = 0.7
"""Probability of no earlier coding below which the lattice of an earlier JPEG is looked for, which takes longer."""

VIDEO_INDEPENDENT = 0.3
"""Share of that error which is a frame's own. The frames of one clip are predicted from each other and repeat each
other's errors, so the others add less than their number suggests."""

# Annex K of ITU-T T.81, the tables that the Independent JPEG Group's encoder scales by its quality setting.
IJG_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
IJG_CHROMA = np.full((8, 8), 99, np.float32)
IJG_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """How far a frame can be trusted.

    Attributes:
        luma, chroma: ``[8, 8]`` variance of the error of each orthonormal 8 x 8 DCT coefficient, in squared
            [0, 1] grey levels; a flat table is white noise.
        phase: ``(x, y)`` of a block corner in the picture.
        independent: share of the error that is not repeated in the other frames, (0, 1].
        kind: ``"still"`` (coded one by one), ``"video"`` or ``"unknown"``.
        source: where the numbers come from, for the record.
        estimated: whether they were read off the pixels, or assumed where these show nothing. Such numbers tell one way
            of coding from another; between two frames of one kind they also tell blur from detail, and a blurred frame
            looks little coded.
    """

    luma: FloatArray
    chroma: FloatArray
    phase: tuple[int, int]
    independent: float
    kind: Literal["still", "video", "unknown"]
    source: str
    estimated: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "luma", frozen_array(self.luma))
        object.__setattr__(self, "chroma", frozen_array(self.chroma))

    def scaled(self, gain: float) -> NoiseModel:
        """The model after the picture was multiplied by ``gain``."""
        return replace(self, luma=self.luma * np.float32(gain**2), chroma=self.chroma * np.float32(gain**2))

    @property
    def sigma(self) -> float:
        """Root-mean-square error of a pixel's luma over the lowest 3 x 3 frequencies, in [0, 1] grey levels."""
        return float(np.sqrt(self.luma[:3, :3].mean()))


def ijg_tables(quality: int) -> JpegTables:
    """The quantisation tables that libjpeg uses at a quality setting of 1 to 100, 4:2:0."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    luma, chroma = (np.clip((table * scale + 50) // 100, 1, 255) for table in (IJG_LUMA, IJG_CHROMA))
    return JpegTables(luma, chroma)


_known: WeakKeyDictionary[Frame, NoiseModel] = WeakKeyDictionary()
"""Frames are immutable, so what was found out about one stays true as long as it exists."""


def noise_of(frame: Frame) -> NoiseModel:
    """The noise model of a frame, from its JPEG tables where it has or once had them, or from its H.264 quantiser."""
    if frame not in _known:
        model = _coding_noise(frame)
        _known[frame] = with_sensor(model, sensor_noise(frame.image, steps_of(model)))
    return _known[frame]


def steps_of(model: NoiseModel) -> FloatArray:
    """Quantisation step of each luma coefficient that a model was made from, ``[8, 8]`` in [0, 1] grey levels."""
    if model.kind == "unknown":
        return np.zeros((BLOCK, BLOCK), np.float32)
    return np.asarray(np.sqrt(12 * np.maximum(model.luma - np.float32(SENSOR_SIGMA**2), 0)), np.float32)


def with_sensor(model: NoiseModel, sigma: float) -> NoiseModel:
    """The model of a frame whose sensor is noisier than :data:`SENSOR_SIGMA`; every frame has such noise of its own.

    Args:
        model: of the coding.
        sigma: of the noise that its pixels show, see :func:`mfrec.camera.sensor.sensor_noise`.
    """
    more = max(0.0, sigma**2 - SENSOR_SIGMA**2)
    if model.kind == "unknown":  # as noisy as was assumed already
        more = max(0.0, sigma**2 - float(model.luma.mean()))
    if more == 0.0:
        return model
    before = float(model.luma.mean())
    return replace(
        model,
        luma=model.luma + np.float32(more),
        chroma=model.chroma + np.float32(more),
        independent=(model.independent * before + more) / (before + more),
        source=f"{model.source}; noise of the sensor {255 * sigma:.1f} grey levels",
    )


def _coding_noise(frame: Frame) -> NoiseModel:
    if frame.quantiser is not None:
        return from_quantiser(frame.quantiser, "video", f"mean H.264 quantiser {frame.quantiser:.1f}")
    history = history_of(frame.image, frame.jpeg)
    if frame.jpeg is not None:
        told = from_tables(frame.jpeg, "quantisation tables of the file")
        return told if history is None else contradicted(frame, told, history) or told
    former = find_jpeg(frame.image)
    if former is not None:
        return from_tables(former.tables, f"pixels lie on the lattice of JPEG {former}")
    if history is not None and (history.none < 0.5 or frame.key is not None):
        return from_history(history)
    if frame.key is not None:
        coarse = from_quantiser(COARSEST_QUANTISER, "video", "video whose quantiser is unknown, taken as coarse")
    else:
        said = "unknown history, no trace of a codec: taken to be as noisy as coarse video"
        coarse = from_quantiser(COARSEST_QUANTISER, "unknown", said)
    return replace(coarse, estimated=True)


def contradicted(frame: Frame, told: NoiseModel, history: History) -> NoiseModel | None:
    """What the pixels of a JPEG file show where its tables cannot be the whole truth; None where they can.

    A picture that was coded strongly and then saved at a high quality has tables that promise too much.

    Args:
        frame: read from a JPEG file.
        told: the model of its tables.
        history: estimated from its pixels.
    """
    if frame.jpeg is None or history.none > LATTICE_BELOW:
        return None
    former = find_jpeg(frame.image, frame.jpeg)
    if former is not None:
        of_former = from_tables(former.tables, f"pixels lie on the lattice of JPEG {former}, saved again since")
        # Both roundings err; the sensor's share is in each of the models once.
        return replace(
            of_former,
            luma=of_former.luma + told.luma - np.float32(SENSOR_SIGMA**2),
            chroma=of_former.chroma + told.chroma - np.float32(SENSOR_SIGMA**2),
        )
    promised = float(np.sqrt(told.luma.mean()))
    if history.none > 1 - SURE or history.error < WORSE * promised:
        return None
    estimated = from_history(history)
    return replace(estimated, source=f"{estimated.source}; the file's own tables would promise {255 * promised:.1f}")


def from_history(history: History) -> NoiseModel:
    """The model of a frame whose coding was estimated from its pixels."""
    low, high = (255 * history.error * 2.0**octaves for octaves in (-history.octaves, history.octaves))
    like = "JPEG" if history.jpeg > history.video else "video"
    said = f"coded like {like}, error of luma {255 * history.error:.1f} grey levels ({low:.1f} to {high:.1f})"
    model = from_quantiser(quantiser_of(history.error), "video", f"estimated from the pixels: {said}")
    return replace(model, estimated=True)


def from_quantiser(quantiser: float, kind: Literal["video", "unknown"], source: str) -> NoiseModel:
    """White noise of the variance that an H.264 quantiser leaves, plus the sensor's share.

    The step doubles with every six and is 0.625 at 0 (Wiegand et al., "Overview of the H.264/AVC video coding
    standard", IEEE TCSVT 2003); the transform is orthonormal up to scaling, so a pixel errs as much as a coefficient.
    """
    step = FINEST_STEP * 2.0 ** (min(quantiser, COARSEST_QUANTISER) / 6.0) / 255.0
    flat = np.full((BLOCK, BLOCK), SENSOR_SIGMA**2 + step**2 / 12.0, np.float32)
    return NoiseModel(flat, flat, (0, 0), VIDEO_INDEPENDENT, kind, source)


def quantiser_of(error: float) -> float:
    """The H.264 quantiser whose clips err by that much in luma, root-mean-square in [0, 1] grey levels."""
    step = np.sqrt(12 * max((error / LEFT_OF_NOMINAL) ** 2 - SENSOR_SIGMA**2, 0.0))
    return float(6 * np.log2(max(255 * step, 0.1) / FINEST_STEP))


def from_tables(tables: JpegTables, source: str) -> NoiseModel:
    """Quantisation error ``q**2 / 12`` for each coefficient, plus the sensor's share."""
    luma = (tables.luma / 255.0) ** 2 / 12.0
    chroma = (tables.chroma / 255.0) ** 2 / 12.0
    horizontal, vertical = tables.subsampling
    if (horizontal, vertical) != (1, 1):
        # A chroma block covers several luma blocks, so frequency u of our 8 px block was coded as frequency
        # u * subsampling of the file's block; what lies beyond its eight frequencies was never stored. One stored
        # number spreads over several pixels, so an orthonormal coefficient errs by more by the square root of that.
        full = np.full((BLOCK, BLOCK), 1.0, np.float32)
        rows, columns = -(-BLOCK // vertical), -(-BLOCK // horizontal)
        full[:rows, :columns] = chroma[::vertical, ::horizontal] * (horizontal * vertical)
        chroma = full
    floor = SENSOR_SIGMA**2
    return NoiseModel(luma + floor, chroma + floor, tables.phase, 1.0, "still", source)


@dataclass(frozen=True)
class FormerJpeg:
    """A JPEG that a picture once was.

    Attributes:
        quality: libjpeg's, 1 to 100.
        phase: ``(x, y)`` of a block corner in the picture, 0 to 7.
    """

    quality: int
    phase: tuple[int, int]

    @property
    def tables(self) -> JpegTables:
        """Its quantisation, 4:2:0."""
        return replace(ijg_tables(self.quality), phase=self.phase)

    def __str__(self) -> str:
        cut = "" if self.phase == (0, 0) else f", cut off its grid: blocks begin at {self.phase}"
        return f"quality {self.quality}{cut}"


def find_jpeg(image: FloatArray, saved: JpegTables | None = None) -> FormerJpeg | None:
    """The JPEG that a picture once was, None if it was none.

    Maximum likelihood over libjpeg's hundred luma tables, after Fan and de Queiroz, "Identification of bitmap
    compression history" (IEEE TIP 2003): a coefficient that was rounded to a multiple of ``q`` lies within what
    happened to it since of one, which an unrounded coefficient does only by chance. Looked for where blocks begin
    at the corner, and on the :data:`LIKELY_GRIDS` grids whose high frequencies vanish most often; in a JPEG file
    on every grid but its own.

    Args:
        image: ``[H, W, 3]`` RGB in [0, 1].
        saved: tables of the JPEG file that the picture is in now, so that those are not what is found: an earlier JPEG
            is looked for, coarser than they are.

    Returns:
        None where no table explains the picture clearly better than none.
    """
    plane = rgb_to_ycc(middle(image))[..., 0] * 255.0 - 128.0
    if min(plane.shape) < BLOCK:
        return None
    # Of the decoder's rounding of R, G and B, carried into a coefficient of Y, with room for clipping; and of what the
    # file's own tables rounded since.
    sigma = np.full((BLOCK, BLOCK), 0.5, np.float32)
    if saved is not None:
        sigma = np.asarray(np.sqrt(sigma**2 + saved.luma**2 / 12), np.float32)
    every = sliding_dct(plane)
    if saved is None:
        grids = [(0, 0)]
        if min(plane.shape) >= SMALLEST:
            likely = np.argsort(-grid_shares(every).ravel(), kind="stable")[:LIKELY_GRIDS]
            grids += [(int(k) % BLOCK, int(k) // BLOCK) for k in likely]
    else:
        # The file's own rounding fills what had vanished, and on its own grid nothing but its own tables is found.
        grids = [(x, y) for y in range(BLOCK) for x in range(BLOCK) if (x, y) != saved.phase]
        corner = every[: BLOCK * BLOCK, : BLOCK * BLOCK]  # 64 blocks are enough to see which grid it is
        coarse = [likeliest_quality(corner[y::BLOCK, x::BLOCK], sigma, COARSE_QUALITIES)[1] for x, y in grids]
        grids = [grids[int(np.argmax(coarse))]]
    best, most = None, CHANCE
    for x, y in dict.fromkeys(grids):
        quality, gain = likeliest_quality(distinct(every[y::BLOCK, x::BLOCK]), sigma, QUALITIES)
        if gain > most + (0 if (x, y) == (0, 0) else GRIDS_TRIED):
            best, most = FormerJpeg(quality, (x, y)), gain
    return best


QUALITIES = range(1, 101)
COARSE_QUALITIES = range(10, 80)
"""Of a JPEG that can still be found through a finer one."""

LIKELY_GRIDS = 3
CHANCE = 15.0
"""Gain of log-likelihood that chance does not reach in practice on one grid."""
GRIDS_TRIED = float(np.log(BLOCK**2))
"""What a grid must bring besides, because there are so many."""


def distinct(blocks: FloatArray) -> FloatArray:
    """Blocks ``[n, m, 8, 8]`` once each, ``[k, 1, 8, 8]``: a repeated one (flat areas) is no further witness."""
    rows = blocks.reshape(-1, BLOCK * BLOCK)
    _, first = np.unique(np.rint(rows), axis=0, return_index=True)
    return rows[np.sort(first)].reshape(-1, 1, BLOCK, BLOCK)


def likeliest_quality(blocks: FloatArray, sigma: FloatArray, qualities: range) -> tuple[int, float]:
    """libjpeg's quality that explains coefficients best, and by how much better than none, as a log-likelihood.

    Args:
        blocks: ``[n, m, 8, 8]`` orthonormal DCT of luma in grey levels of 1/255.
        sigma: ``[8, 8]`` standard deviation of what happened to each of them since it was rounded.
        qualities: to choose from.
    """
    coefficients = blocks.reshape(-1, BLOCK, BLOCK)
    # A number near zero lies on every lattice and speaks for none.
    block, row, column = np.nonzero(np.abs(coefficients) > 4 * sigma)
    value, width = coefficients[block, row, column], sigma[row, column]
    steps = ijg_lumas()[np.asarray(qualities) - 1][:, row, column]
    away = value - steps * np.rint(value / steps)
    density = np.exp(-0.5 * (away / width) ** 2) / (width * np.sqrt(2 * np.pi))
    # One coefficient in five may be off the lattice: clipping at black, white and full colour moves whole blocks.
    gains = np.log(0.8 * density * steps + 0.2)
    gains[steps < 4 * width] = 0  # finer lattices are within the error of any number
    total = gains.sum(axis=1)
    best = int(total.argmax())
    return qualities[best], float(total[best])


@functools.cache
def ijg_lumas() -> FloatArray:
    """Luma tables of the qualities 1 to 100, ``[100, 8, 8]``."""
    return np.stack([ijg_tables(quality).luma for quality in QUALITIES])


def block_dct(plane: NDArray) -> FloatArray | None:
    """Orthonormal DCT of every whole 8 x 8 block: ``[H, W]`` to ``[H // 8, W // 8, 8, 8]``; None if there is none."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    if rows == 0 or columns == 0:
        return None
    cut = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)
    return cosine_transform(cut).astype(np.float32)


def usual_kind(frames: Iterable[Frame]) -> str:
    """What most frames are: ``"still"``, ``"video"`` or ``"unknown"``."""
    kinds = Counter(noise_of(frame).kind for frame in frames)
    return max(sorted(kinds), key=lambda name: kinds[name])
