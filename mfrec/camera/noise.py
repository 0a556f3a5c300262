"""What a camera and a codec did to the numbers of a frame: the variance of every DCT coefficient's error.

A JPEG file says how coarsely each of its 8 x 8 DCT coefficients was rounded. A coefficient with quantisation
step ``q`` is wrong by at most ``q / 2``; taken as uniform, the variance of its error is ``q**2 / 12``, and those
errors are independent between frames that were coded one by one. This is the noise model of Gunturk, Altunbasak
and Mersereau, "Super-resolution reconstruction of compressed video using transform-domain statistics" (IEEE TIP
2004, eq. 9). It is what lets a frame of quality 90 speak louder than one of quality 30, and a low frequency louder
than a high one.

A picture that was a JPEG once and has been saved losslessly since still sits on the quantiser's lattice, so the
table can be read from its pixels (:func:`find_jpeg`). An H.264 decoder knows the quantiser of every macroblock, and
the error of its frames is taken as white with the variance of that quantiser. Where nothing is known (other codecs,
pictures of unknown history) the quantiser is assumed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from mfrec.image.colour import rgb_to_ycc
from mfrec.types import FloatArray, Frame, JpegTables, frozen_array

BLOCK = 8

SENSOR_SIGMA = 2.0 / 255.0
"""Error that remains without any codec: sensor noise and the rounding to 8 bits."""

COARSEST_QUANTISER = 30.5
"""H.264 quantiser beyond which a frame is not trusted less. Most coefficients are then rounded to nothing, so the error
is as large as they were and grows more slowly than the step; and the less the frames are trusted the more the prior
decides. On development clips (quantisers 24 to 44), following the step all the way cost 0.6 dB on average. Also
assumed where no quantiser is known: it is the middle of what surveillance recorders use."""

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
    """

    luma: FloatArray
    chroma: FloatArray
    phase: tuple[int, int]
    independent: float
    kind: Literal["still", "video", "unknown"]
    source: str

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
        _known[frame] = _find_noise(frame)
    return _known[frame]


def _find_noise(frame: Frame) -> NoiseModel:
    if frame.jpeg is not None:
        return from_tables(frame.jpeg, "quantisation tables of the file")
    if frame.quantiser is not None:
        return from_quantiser(frame.quantiser, "video", f"mean H.264 quantiser {frame.quantiser:.1f}")
    quality = find_jpeg(frame.image)
    if quality is not None:
        return from_tables(ijg_tables(quality), f"pixels lie on the lattice of JPEG quality {quality}")
    if frame.key is not None:
        return from_quantiser(COARSEST_QUANTISER, "video", "video whose quantiser is unknown, taken as coarse")
    return from_quantiser(COARSEST_QUANTISER, "unknown", "unknown history, taken to be as noisy as coarse video")


def from_quantiser(quantiser: float, kind: Literal["video", "unknown"], source: str) -> NoiseModel:
    """White noise of the variance that an H.264 quantiser leaves, plus the sensor's share.

    The step doubles with every six and is 0.625 at 0 (Wiegand et al., "Overview of the H.264/AVC video coding
    standard", IEEE TCSVT 2003); the transform is orthonormal up to scaling, so a pixel errs as much as a coefficient.
    """
    step = 0.625 * 2.0 ** (min(quantiser, COARSEST_QUANTISER) / 6.0) / 255.0
    flat = np.full((BLOCK, BLOCK), SENSOR_SIGMA**2 + step**2 / 12.0, np.float32)
    return NoiseModel(flat, flat, (0, 0), VIDEO_INDEPENDENT, kind, source)


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


def find_jpeg(image: FloatArray) -> int | None:
    """The quality at which a picture was once JPEG-coded (blocks starting at its corner), None if it was not.

    Maximum likelihood over libjpeg's hundred luma tables, after Fan and de Queiroz, "Identification of bitmap
    compression history" (IEEE TIP 2003): a coefficient that was rounded to a multiple of ``q`` lies within the
    decoder's rounding error of one, which an unrounded coefficient does only by chance.

    Args:
        image: ``[H, W, 3]`` RGB in [0, 1].

    Returns:
        1..100, or None where no table explains the picture clearly better than none.
    """
    blocks = block_dct(rgb_to_ycc(image)[..., 0] * 255.0 - 128.0)
    if blocks is None:
        return None
    coefficients = blocks.reshape(-1, BLOCK, BLOCK)[:4096]
    # A repeated block (flat areas) is no further witness.
    _, distinct = np.unique(np.rint(coefficients.reshape(len(coefficients), -1)), axis=0, return_index=True)
    coefficients = coefficients[np.sort(distinct)]
    sigma = 0.5  # of the decoder's rounding of R, G and B, carried into a coefficient of Y, with room for clipping
    telling = np.abs(coefficients) > 4 * sigma  # a number near zero lies on every lattice and speaks for none
    best, best_gain = None, 15.0  # log-likelihood gain that chance does not reach in practice
    for quality in range(1, 101):
        step = ijg_tables(quality).luma
        informative = step >= 4 * sigma  # finer lattices are within the rounding error of any number
        if not informative.any():
            continue
        away = np.abs(coefficients - step * np.rint(coefficients / step))
        density = np.exp(-0.5 * (away / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        # One coefficient in five may be off the lattice: clipping at black, white and full colour moves whole blocks.
        gain = float(np.log(0.8 * density * step + 0.2)[telling & informative].sum())
        if gain > best_gain:
            best, best_gain = quality, gain
    return best


def block_dct(plane: NDArray) -> FloatArray | None:
    """Orthonormal DCT of every whole 8 x 8 block: ``[H, W]`` to ``[H // 8, W // 8, 8, 8]``; None if there is none."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    if rows == 0 or columns == 0:
        return None
    cut = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)
    return np.asarray(dctn(cut, axes=(2, 3), norm="ortho"), np.float32)


def usual_kind(frames: Iterable[Frame]) -> str:
    """What most frames are: ``"still"``, ``"video"`` or ``"unknown"``."""
    kinds = Counter(noise_of(frame).kind for frame in frames)
    return max(sorted(kinds), key=lambda name: kinds[name])
