"""Pictures that explain a reconstruction: who gave each pixel, how sure it is, what every frame says to it.

Every function returns uint8 RGB ``[H, W, 3]``, ready to be written as a PNG. The exact numbers behind them
are in ``provenance.npz``; these are for eyes. Grey levels are those of an 8-bit picture, 0 to 255.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mfrec.image.geometry import resize, warp
from mfrec.image.stamp import WORDS, stamped_large
from mfrec.imageio import to_uint8
from mfrec.types import Fused, Observation, Overview, Reconstruction, Registration

Rgb = NDArray[np.uint8]

GREY_LEVELS = 255.0

PALETTE = (
    (68, 119, 170), (238, 119, 51), (34, 136, 51), (204, 51, 119), (102, 204, 238), (221, 204, 119), (255, 187, 255),
    (17, 255, 187), (153, 17, 255), (153, 119, 17), (153, 255, 17), (187, 51, 17), (17, 119, 119), (221, 153, 153),
    (153, 119, 187), (153, 187, 153),
)  # fmt: skip
"""Colours of the first frames: six after Tol's sets for colour-blind readers, then each as far as can
be from all before it, so that no two are closer than 19 (CIEDE2000)."""

UNCERTAIN = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
"""Black (certain) through red to pale yellow; its lightness rises evenly, so that it survives a grey copy."""

OBSERVED = ((200, 0, 120), (233, 130, 190), (244, 244, 244))
"""Magenta where nothing was measured, near white where the frames measured the pixel."""

DIFFERENCE = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
"""Blue where the result is darker than the frame, red where it is lighter."""

INK = (24, 28, 33)
SOFT = (96, 104, 112)
PAPER = (255, 255, 255)
UNSEEN = (222, 224, 226)


def result(reconstruction: Reconstruction) -> Rgb:
    """The result as it is shown and written: where it bears the words NOT EVIDENCE, enlarged before it was marked."""
    fused = reconstruction.track.fused
    if reconstruction.stamp != WORDS or fused is None:
        return to_uint8(reconstruction.image)
    return to_uint8(stamped_large(fused.image))


def colours(count: int) -> NDArray[np.uint8]:
    """``[count, 3]`` uint8: one colour a frame; beyond the palette the hue advances by the golden angle."""
    out = np.zeros((count, 3), np.uint8)
    for i in range(count):
        if i < len(PALETTE):
            out[i] = PALETTE[i]
        else:
            hsv = np.array([[[(i * 137.508) % 360.0, 0.55, 0.6 + 0.35 * (i % 2)]]], np.float32)
            out[i] = np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] * 255)
    return out


def ramp(values: NDArray, stops: Sequence[tuple[int, int, int]]) -> Rgb:
    """Colour ``[...]`` values in [0, 1] by evenly spaced stops; uint8 ``[..., 3]``."""
    at = np.linspace(0, 1, len(stops))
    table = np.stack([np.interp(np.linspace(0, 1, 256), at, np.array(stops, float)[:, c]) for c in range(3)], -1)
    index = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.rint(table).astype(np.uint8)[index]


def round_limit(value: float) -> float:
    """The end of a legend: the smallest of 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15 ... that is not below ``value``."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))


def dominant(weight: NDArray) -> int | None:
    """The frame that is the main source of more than nine pixels in ten, where there is one and it is not alone."""
    seen = weight.any(axis=0)
    counts = np.bincount(weight.argmax(axis=0)[seen], minlength=len(weight))
    most = int(counts.argmax())
    return most if len(weight) > 1 and counts[most] > 0.9 * seen.sum() else None


def source_map(weight: NDArray, *, beside: int | None = None) -> Rgb:
    """Colour every pixel by the frame that gave most of it, brightness by the square root of its share.

    Args:
        weight: ``[N, H, W]``, sums to 1 over ``N`` where a pixel was seen and to 0 elsewhere.
        beside: a frame that is passed over, so that those behind it show with their shares of the rest; see
            :func:`dominant`. Brightness is stretched then, full at the share that 98 % of the pixels stay below.

    Returns:
        ``[H, W, 3]`` uint8; a pixel that no frame saw is black.
    """
    if beside is not None:
        weight = np.where(np.arange(len(weight))[:, None, None] == beside, 0, weight)
        weight = weight / np.maximum(weight.sum(axis=0), 1e-9)
    main = weight.argmax(axis=0)
    share = np.take_along_axis(weight, main[None], axis=0)[0]
    if beside is not None and share.any():
        share = share / np.percentile(share[share > 0], 98)
    return np.rint(colours(len(weight))[main] * np.sqrt(np.clip(share, 0, 1))[..., None]).astype(np.uint8)


def uncertainty_limit(uncertainty: NDArray) -> float:
    """End of the uncertainty legend in grey levels: a round number above 98 % of the pixels."""
    return round_limit(float(np.percentile(uncertainty, 98)) * GREY_LEVELS)


def uncertainty_map(uncertainty: NDArray, limit: float) -> Rgb:
    """Colour an uncertainty ``[H, W]`` in [0, 1] from 0 to ``limit`` grey levels."""
    return ramp(uncertainty * (GREY_LEVELS / limit), UNCERTAIN)


def observed_map(observed: NDArray) -> Rgb:
    """Colour the observed share ``[H, W]``."""
    return ramp(observed, OBSERVED)


def footprint(registration: Registration, canvas_shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns of the whole frame that land on a canvas ``(H, W)``, as a box; None where none do."""
    x, y = registration.landing[..., 0], registration.landing[..., 1]
    on = (x >= -0.5) & (x <= canvas_shape[1] - 0.5) & (y >= -0.5) & (y <= canvas_shape[0] - 0.5)
    rows, columns = np.flatnonzero(on.any(axis=1)), np.flatnonzero(on.any(axis=0))
    if not len(rows):
        return None
    x0, y0 = registration.window
    return (
        slice(y0 + int(rows[0]), y0 + int(rows[-1]) + 1),
        slice(x0 + int(columns[0]), x0 + int(columns[-1]) + 1),
    )


def seen_by(image: NDArray, registration: Registration, window: tuple[slice, slice]) -> tuple[NDArray, NDArray]:
    """The result as one frame would have sampled it: carried into the frame, averaged over each pixel's area.

    Light is turned back into the frame's own (``gain`` and ``offset`` undone). The camera's blur beyond the area
    of its pixels is not applied, so the number that a fusion states as consistency may be a little lower.

    Args:
        image: ``[H, W, 3]`` on the canvas, in [0, 1].
        registration: of the frame.
        window: rows and columns of the frame, see :func:`footprint`.

    Returns:
        ``[h, w, 3]`` float32 in [0, 1] and ``[h, w]`` bool, true where the whole pixel lies on the canvas.
    """
    landing = np.pad(registration.landing, ((1, 1), (1, 1), (0, 0)), mode="edge")
    for axis in (0, 1):
        # The outermost pixels have an area too: continue the map beyond them in a straight line.
        lines = np.moveaxis(landing, axis, 0)
        if len(lines) > 3:
            lines[0] = 2 * lines[1] - lines[2]
            lines[-1] = 2 * lines[-2] - lines[-3]
    rows, columns = window
    x0, y0 = registration.window
    landing = landing[rows.start - y0 : rows.stop - y0 + 2, columns.start - x0 : columns.stop - x0 + 2]
    height, width = rows.stop - rows.start, columns.stop - columns.start
    step = np.median(np.abs(np.diff(landing, axis=1)).max(axis=-1))
    parts = int(np.clip(np.rint(step), 1, 16))
    fine = resize(landing, (height + 2) * parts, (width + 2) * parts, interpolation="linear")
    fine = fine[parts:-parts, parts:-parts]
    x, y = fine[..., 0], fine[..., 1]
    on = (x >= -0.5) & (x <= image.shape[1] - 0.5) & (y >= -0.5) & (y <= image.shape[0] - 0.5)
    picture = resize(warp(image, fine, interpolation="linear"), height, width, interpolation="area")
    seen = resize(on.astype(np.float32), height, width, interpolation="area") > 0.999
    gain = np.maximum(registration.gain, 1e-3)
    return np.clip((picture - registration.offset) / gain, 0, 1), seen


def enlarged(picture: Rgb, factor: int) -> Rgb:
    """Every pixel as a square of ``factor`` by ``factor``."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def fitting(height: int, width: int, side: int) -> int:
    """The largest whole enlargement, at least 1, with which a picture of that size stays within ``side``."""
    return max(1, side // max(height, width))


@dataclass(frozen=True, eq=False)
class Comparison:
    """One frame beside the result sampled as that frame, and their signed difference.

    Attributes:
        given, again: uint8 ``[h, w, 3]``, the frame and the result as the frame would have sampled it.
        difference: float32 ``[h, w]``, ``again - given`` averaged over the channels, in grey levels; NaN where
            the frame looks beyond the canvas.
    """

    given: Rgb
    again: Rgb
    difference: NDArray[np.float32]

    def difference_map(self, limit: float) -> Rgb:
        """``[h, w, 3]`` from ``-limit`` (blue) to ``limit`` (red) grey levels; beyond the canvas pale grey."""
        known = np.isfinite(self.difference)
        coloured = ramp(0.5 + np.where(known, self.difference, 0) / (2 * limit), DIFFERENCE)
        return np.where(known[..., None], coloured, np.array(UNSEEN, np.uint8))


def compare(image: NDArray, observation: Observation) -> Comparison | None:
    """Set a frame against the result ``[H, W, 3]``; None where the frame has no registration onto its canvas."""
    registration = observation.registration
    window = footprint(registration, (image.shape[0], image.shape[1])) if registration is not None else None
    if registration is None or window is None:
        return None
    again, seen = seen_by(image, registration, window)
    given = observation.frame.image[window]
    difference = (again - given).mean(axis=-1) * GREY_LEVELS
    return Comparison(
        to_uint8(given),
        np.where(seen[..., None], to_uint8(again), np.array(UNSEEN, np.uint8)),
        np.where(seen, difference, np.nan).astype(np.float32),
    )


def difference_limit(comparisons: Sequence[Comparison | None]) -> float:
    """End of the legend of the differences in grey levels: a round number above 98 % of them."""
    seen = [np.abs(c.difference[np.isfinite(c.difference)]) for c in comparisons if c is not None]
    values = np.concatenate(seen) if seen else np.zeros(0)
    return round_limit(max(5.0, float(np.percentile(values, 98)))) if len(values) else 5.0


class Sheet:
    """A white page to put pictures and lines of text on.

    Args:
        height, width: in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self.page = Image.new("RGB", (width, height), PAPER)
        self.draw = ImageDraw.Draw(self.page)

    def picture(self, x: int, y: int, picture: Rgb) -> None:
        """Put a picture with its top-left corner at ``(x, y)``, with a hairline around it."""
        height, width = picture.shape[:2]
        self.page.paste(Image.fromarray(np.ascontiguousarray(picture)), (x, y))
        self.draw.rectangle((x - 1, y - 1, x + width, y + height), outline=SOFT)

    def text(
        self, x: int, y: int, text: str, *, size: int = 12, colour: tuple[int, int, int] = INK, room: int = 10_000
    ) -> None:
        """Write one line with its left middle at ``(x, y)``, shortened in its middle to fit ``room`` pixels."""
        font = ImageFont.load_default(size)
        shown, keep = text, len(text)
        while keep > 3 and font.getlength(shown) > room:
            keep -= 1
            shown = f"{text[: keep // 2]}...{text[len(text) - keep // 2 :]}"
        self.draw.text((x, y), shown, fill=colour, font=font, anchor="lm")

    def legend(self, x: int, y: int, stops: Sequence[tuple[int, int, int]], *, low: str, high: str, title: str) -> None:
        """A horizontal bar of colours, 288 px long, with a title above it and its two ends below it, 44 px high."""
        width = 288
        self.text(x, y + 6, title, colour=SOFT)
        bar = ramp(np.tile(np.linspace(0, 1, width), (10, 1)), stops)
        self.picture(x, y + 16, bar)
        self.text(x, y + 36, low, colour=SOFT)
        font = ImageFont.load_default(12)
        self.text(x + width - round(font.getlength(high)), y + 36, high, colour=SOFT)

    @property
    def pixels(self) -> Rgb:
        """``[H, W, 3]`` uint8."""
        return np.asarray(self.page)


def provenance(fused: Fused | Reconstruction, names: Sequence[str]) -> Rgb:
    """The source map with a legend: a colour, a name and a mean share for every frame.

    Where one frame leads nearly everywhere, a second map beside the first shows who comes after it.

    Args:
        fused: whose ``weight`` is shown.
        names: of the frames, in the order of the weights.

    Returns:
        ``[H, W, 3]`` uint8; the map is enlarged by a whole factor to at least 384 px where it is small.
    """
    weight = fused.weight
    count, height, width = weight.shape
    factor = max(1, math.ceil(384 / max(height, width)))
    total = weight.sum(axis=(1, 2))
    share = total / max(float(total.sum()), 1e-9)
    top, line = 40, 18
    rows = max(8, (height * factor - 100) // line)
    columns = math.ceil(count / rows)
    room = 250
    leader = dominant(weight)
    x0 = (width * factor + 16) * (1 if leader is None else 2) + 16
    sheet = Sheet(max(height * factor, min(rows, count) * line + 100) + top + 16, x0 + room * columns)
    sheet.text(16, 20, f"Main source of every pixel (shown x{factor})", size=14)
    sheet.picture(16, top, enlarged(source_map(weight), factor))
    if leader is not None:
        x = width * factor + 32
        sheet.text(x, 20, f"Main source after {printable(names[leader])}, brightened", size=14, room=width * factor)
        sheet.picture(x, top, enlarged(source_map(weight, beside=leader), factor))
    sheet.text(x0, 20, "Mean share of the frame", colour=SOFT)
    palette = colours(count)
    for i, name in enumerate(names):
        x, y = x0 + room * (i // rows), top + 8 + line * (i % rows)
        sheet.draw.rectangle((x, y - 5, x + 14, y + 5), fill=tuple(palette[i].tolist()))
        sheet.text(x + 22, y, f"{share[i] * 100:4.1f} %")
        sheet.text(x + 74, y, printable(name), room=room - 84)
    y = top + line * min(rows, count) + 20
    sheet.text(x0, y, "Brightness: share of the main source", colour=SOFT)
    for k, part in enumerate((0.1, 0.25, 0.5, 1.0)):
        tone = round(255 * math.sqrt(part))
        sheet.draw.rectangle((x0 + 56 * k, y + 12, x0 + 56 * k + 48, y + 24), fill=(tone, tone, tone), outline=SOFT)
        sheet.text(x0 + 56 * k, y + 34, f"{part * 100:.0f} %", colour=SOFT)
    sheet.draw.rectangle((x0, y + 48, x0 + 14, y + 58), fill=(0, 0, 0))
    sheet.text(x0 + 22, y + 53, "black: no frame saw this pixel", colour=SOFT)
    return sheet.pixels


def uncertainty(fused: Fused | Reconstruction) -> Rgb:
    """The uncertainty map with a legend in grey levels; enlarged to at least 384 px where it is small."""
    height, width = fused.uncertainty.shape
    factor = max(1, math.ceil(384 / max(height, width)))
    limit = uncertainty_limit(fused.uncertainty)
    sheet = Sheet(height * factor + 40 + 64, max(width * factor, 320) + 32)
    sheet.text(16, 20, f"Expected standard deviation of every pixel (shown x{factor})", size=14)
    sheet.picture(16, 40, enlarged(uncertainty_map(fused.uncertainty, limit), factor))
    title = f"grey levels of 255; mean {float(fused.uncertainty.mean()) * GREY_LEVELS:.1f}"
    sheet.legend(16, height * factor + 50, UNCERTAIN, low="0", high=f"{limit:g} or more", title=title)
    return sheet.pixels


def consistency(reconstruction: Reconstruction) -> Rgb:
    """For every frame: the frame, the result as that frame would have sampled it, and their difference.

    Returns:
        ``[H, W, 3]`` uint8, one block of three pictures a frame, the frame's consistency written above it.
    """
    blocks = [compare(reconstruction.image, observation) for observation in reconstruction.track.observations]
    limit = difference_limit(blocks)
    side, gap, head = 128, 8, 44
    block_width, block_height = 3 * side + 2 * gap + 32, side + head + 20
    columns = 1 if len(blocks) < 4 else 2 if len(blocks) < 13 else 3
    rows = math.ceil(len(blocks) / columns)
    sheet = Sheet(48 + rows * block_height + 64, max(columns * block_width + 16, 560))
    sheet.text(16, 18, "Frame  |  result as this frame would have sampled it  |  difference", size=14)
    for i, (block, observation) in enumerate(zip(blocks, reconstruction.track.observations, strict=True)):
        x, y = 16 + block_width * (i % columns), 44 + block_height * (i // columns)
        value = float(reconstruction.consistency[i]) * GREY_LEVELS
        words = (
            f"consistency {value:.1f} grey levels (root mean square)" if value >= 0 else "does not reach the picture"
        )
        sheet.text(x, y + 8, printable(observation.frame.name), room=3 * side + 2 * gap)
        sheet.text(x, y + 26, words, colour=SOFT)
        if block is None:
            continue
        for k, picture in enumerate((block.given, block.again, block.difference_map(limit))):
            sheet.picture(x + k * (side + gap), y + head, boxed(picture, side))
    y = 44 + rows * block_height
    title = "result minus frame, grey levels of 255"
    sheet.legend(16, y, DIFFERENCE, low=f"-{limit:g}", high=f"+{limit:g}", title=title)
    return sheet.pixels


def boxed(picture: Rgb, side: int) -> Rgb:
    """Bring a picture into a square: enlarged by a whole factor with hard pixels, or shrunk by averaging."""
    height, width = picture.shape[:2]
    if max(height, width) > side:
        shrink = side / max(height, width)
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    else:
        small = enlarged(picture, fitting(height, width, side))
    out = np.full((side, side, 3), 255, np.uint8)
    y, x = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    out[y : y + small.shape[0], x : x + small.shape[1]] = small
    return out


def subjects(seen: Overview, chosen: Collection[int]) -> Rgb:
    """One frame with a numbered box around everybody seen in it; the person who was followed has a solid box.

    Args:
        seen: the frame.
        chosen: numbers of those who were followed.
    """
    height, width = seen.image.shape[:2]
    factor = max(1, math.ceil(480 / max(height, width)))
    page = Image.fromarray(enlarged(to_uint8(seen.image), factor))
    draw = ImageDraw.Draw(page)
    size = max(14, round(max(height, width) * factor / 40))
    font = ImageFont.load_default(size)
    for number, box in seen.boxes.items():
        x0, y0, x1, y1 = (float(v + 0.5) * factor for v in box)
        colour = (255, 196, 0) if number in chosen else (235, 240, 245)
        line = max(2, size // 7) if number in chosen else max(1, size // 14)
        draw.rectangle((x0 - line, y0 - line, x1 + line, y1 + line), outline=(0, 0, 0), width=1)
        draw.rectangle((x0, y0, x1, y1), outline=colour, width=line)
        draw.rectangle((x0, y0, x0 + size * 1.1, y0 + size * 1.25), fill=colour)
        draw.text((x0 + size * 0.55, y0 + size * 0.62), str(number), fill=(0, 0, 0), font=font, anchor="mm")
    return np.asarray(page)


def printable(text: str) -> str:
    """``text`` with everything that Pillow's built-in font cannot draw written as an escape."""
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode("ascii") for c in text)
