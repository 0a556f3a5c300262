"""Samples of a decoded video frame, whatever their layout, to RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.imageio.colour import to_srgb
from mfrec.imageio.reading import RefusedError, over_grey
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from av import VideoFrame

MATRICES = {
    1: ("BT.709", 0.2126, 0.0722),
    4: ("FCC", 0.30, 0.11),
    5: ("BT.601", 0.299, 0.114),
    6: ("BT.601", 0.299, 0.114),
    7: ("SMPTE 240M", 0.212, 0.087),
    9: ("BT.2020", 0.2627, 0.0593),
}
"""Code of the YCbCr matrix (ITU-T H.273, table 4) to its name and the luma weights of red and blue."""

BAND = 32
"""Rows that are converted at a time."""

YCGCO = 8
"""Code of YCgCo."""

NOT_UNDERSTOOD = {
    10: "BT.2020 constant luminance",
    11: "SMPTE ST 2085",
    12: "chromaticity-derived",
    13: "chromaticity-derived constant luminance",
    14: "ICtCp",
    15: "IPT-PQ-C2 (Dolby Vision profile 5)",
    16: "YCgCo-R",
    17: "YCgCo-R",
}
"""Code to the name of what is refused."""

PLANAR_TWINS = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "p010le": "yuv420p10le",
}
"""Interleaved pixel formats, and the planar ones that hold exactly the same samples."""


def picture_image(picture: VideoFrame, notes: list[str]) -> FloatArray:
    """Convert a decoded video frame of any pixel format and colour space to sRGB ``[H, W, 3]`` in [0, 1], opaque.

    Raises:
        RefusedError: a matrix or transfer function that is not understood.
    """
    if picture.colorspace in NOT_UNDERSTOOD:
        raise RefusedError(f"the colour space {NOT_UNDERSTOOD[picture.colorspace]} of this file is not understood")
    return to_srgb(_declared(picture, notes), picture.color_primaries, picture.color_trc, notes)


def _declared(picture: VideoFrame, notes: list[str]) -> FloatArray:
    """``[H, W, 3]`` RGB in [0, 1] with the primaries and transfer function of the file."""
    layout = picture.format
    if layout.name in PLANAR_TWINS:
        picture = _planar_twin(picture)
        layout = picture.format
    if _is_planar_ycbcr(picture):
        return _ycbcr_image(picture, notes)
    deep = any(component.bits > 8 for component in layout.components)
    # RGB and palettes lose nothing here; a rare YCbCr layout is rounded to the depth of the target.
    matrix = picture.colorspace if picture.colorspace in MATRICES else 5
    plain = picture.reformat(
        format="rgba64le" if deep else "rgba", src_colorspace=matrix, dst_colorspace=matrix, dst_color_range=2
    )
    samples = plain.to_ndarray().astype(np.float32) / np.float32(65535 if deep else 255)
    return over_grey(samples, notes)


def _planar_twin(picture: VideoFrame) -> VideoFrame:
    """The same samples, a plane each.

    FFmpeg moves them under any matrix, and refuses the codes that it does not know.
    """
    twin = picture.reformat(
        format=PLANAR_TWINS[picture.format.name],
        src_colorspace=5,
        dst_colorspace=5,
        src_color_range=1,
        dst_color_range=1,
    )
    twin.colorspace, twin.color_range = picture.colorspace, picture.color_range
    return twin


def planes(picture: VideoFrame) -> list[NDArray[Any]]:
    """The samples of planar YCbCr or grey, a plane ``[h, w]`` each; empty for other layouts."""
    return [_plane(picture, i) for i in range(len(picture.planes))] if _is_planar_ycbcr(picture) else []


def planes_of_any_colours(picture: VideoFrame) -> list[NDArray[Any]]:
    """The samples of planar YCbCr, grey or RGB, for comparing; empty for other layouts."""
    known = _is_planar(picture, ("yuv", "gray", "gbr"))
    return [_plane(picture, i) for i in range(len(picture.planes))] if known else []


def _is_planar_ycbcr(picture: VideoFrame) -> bool:
    return _is_planar(picture, ("yuv", "gray"))


def _is_planar(picture: VideoFrame, names: tuple[str, ...]) -> bool:
    """Whether every component of a frame has a plane of whole samples; ``names`` are how names of layouts begin."""
    layout = picture.format
    in_planes = layout.is_planar or len(layout.components) == 1
    whole = in_planes and not (layout.has_palette or layout.is_bit_stream or layout.is_big_endian)
    return whole and layout.name.startswith(names) and all(c.bits <= 16 for c in layout.components)


def _ycbcr_image(picture: VideoFrame, notes: list[str]) -> FloatArray:
    """Planar YCbCr or grey samples to RGB (ITU-R BT.601, BT.709, BT.2020: the non-constant luminance equations).

    A subsampled chroma sample is taken to lie in the middle of the luma samples that it covers, as in JPEG and as
    FFmpeg's conversions make it. Streams may say otherwise (H.264 and HEVC mean the left column where they say
    nothing), but PyAV does not tell: colours of such a stream lie half a pixel too far to the right.
    """
    from mfrec.image.geometry import resize

    height, width = picture.height, picture.width
    full, range_note = colour_range(picture)
    bits = picture.format.components[0].bits
    unit = float(2 ** (bits - 8))
    top = float(2**bits - 1)
    offset, luma_span, chroma_span = (0.0, top, top) if full else (16 * unit, 219 * unit, 224 * unit)
    stored = planes(picture)
    luma = _scaled(stored[0], bits, offset, luma_span)
    if len(stored) < 3:
        notes.append(f"grey, {range_note}")
        return np.repeat(np.clip(luma, 0, 1)[..., None], 3, axis=2)

    code = picture.colorspace
    assumed = ""
    if code not in MATRICES and code != YCGCO:
        # No other matrix is used with the primaries of BT.2020 where its luminance is not constant.
        code = 9 if picture.color_primaries == 9 else 1 if height >= 720 or width >= 1280 else 5
        assumed = " (assumed)"
    name = "YCgCo" if code == YCGCO else MATRICES[code][0]
    notes.append(f"{range_note}, matrix {name}{assumed}")
    differences = []
    for plane in stored[1:3]:
        centred = _scaled(plane, bits, 128 * unit, chroma_span)
        across, down = -(-width // plane.shape[1]), -(-height // plane.shape[0])
        if (across, down) != (1, 1):
            # A picture of odd size has a last chroma sample that covers pixels beyond its border.
            grown = resize(centred, plane.shape[0] * down, plane.shape[1] * across, interpolation="linear")
            centred = grown[:height, :width]
        differences.append(centred)
    image = np.empty((height, width, 3), np.float32)
    for y in range(0, height, BAND):
        # In bands that stay in the processor's cache, a third of the time.
        rows = np.s_[y : y + BAND]
        _to_rgb(code, luma[rows], differences[0][rows], differences[1][rows], image[rows])
    if len(stored) == 4:
        alpha = stored[3].astype(np.float32)[..., None] / np.float32(top)
        return over_grey(np.concatenate([image, alpha], axis=2), notes)
    return image


def _scaled(plane: NDArray[Any], bits: int, offset: float, span: float) -> FloatArray:
    """``(sample - offset) / span`` for every sample of a plane."""
    if bits > 8:
        return (plane.astype(np.float32) - np.float32(offset)) / np.float32(span)
    import cv2

    every = (np.arange(256, dtype=np.float32) - np.float32(offset)) / np.float32(span)
    return np.asarray(cv2.LUT(np.ascontiguousarray(plane), every), np.float32)


def _to_rgb(code: int, luma: FloatArray, first: FloatArray, second: FloatArray, out: FloatArray) -> None:
    """The equations of a matrix, for Y in [0, 1] and differences in [-0.5, 0.5], into ``[H, W, 3]`` in [0, 1]."""
    import cv2

    if code == YCGCO:
        base = luma - first
        r, g, b = base + second, luma + first, base - second
    else:
        _, red, blue = MATRICES[code]
        green = 1 - red - blue
        r = luma + np.float32(2 * (1 - red)) * second
        b = luma + np.float32(2 * (1 - blue)) * first
        # From luma = red r + green g + blue b.
        g = luma - np.float32(2 * (1 - red) * red / green) * second
        g -= np.float32(2 * (1 - blue) * blue / green) * first
    cv2.merge([np.clip(channel, 0, 1, out=channel) for channel in (r, g, b)], out)


def _plane(picture: VideoFrame, number: int) -> NDArray[Any]:
    """Samples ``[h, w]`` of one plane, without the padding at the end of its lines."""
    plane = picture.planes[number]
    kind = np.dtype(np.uint8 if picture.format.components[number].bits <= 8 else "<u2")
    lines = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)  # type: ignore[call-overload]
    return lines[: plane.height, : plane.width]


def colour_range(picture: VideoFrame) -> tuple[bool, str]:
    """Whether samples use the full range, and the words for the record."""
    if picture.format.name.startswith("yuvj") or picture.color_range == 2:
        return True, "full colour range"
    if picture.color_range == 1:
        return False, "limited colour range expanded"
    if picture.format.name.startswith("gray"):
        return True, "full range (assumed)"
    return False, "limited colour range (assumed) expanded"
