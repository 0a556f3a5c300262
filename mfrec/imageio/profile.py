"""Embedded colour profiles, and the gamma and primaries of a PNG, to sRGB."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from mfrec.image.transfer import PRIMARIES, srgb_from_linear, to_srgb_primaries
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from PIL import Image

SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""Colour space of an ICC profile to the Pillow mode that it is for."""


def profiled(picture: Image.Image, profile: bytes, notes: list[str]) -> FloatArray | None:
    """An 8-bit picture from the colours of its ICC profile to sRGB ``[H, W, 3]`` in [0, 1] (LittleCMS).

    None where nothing has to be done: the profile is that of sRGB within one grey level everywhere, it is damaged, or
    it is for other colours than these.

    Args:
        picture: of mode RGB, L, CMYK or LAB.
        profile: the bytes of the ICC profile.
        notes: gets what was done.
    """
    from PIL import Image, ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = " ".join(ImageCms.getProfileDescription(source).split())
        if SPACES.get(source.profile.xcolor_space.strip()) != picture.mode:
            notes.append(f"colour profile '{name}' is not for this kind of picture, not applied")
            return None
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, picture.mode, "RGB")
        if picture.mode in ("RGB", "L"):
            steps = _all_colours(picture.mode)
            shown = np.asarray(ImageCms.applyTransform(Image.fromarray(steps), transform), int)
            if np.abs(shown - steps.reshape(*shown.shape[:2], -1)).max() <= 1:
                return None
        converted = ImageCms.applyTransform(picture, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("damaged colour profile not applied")
        return None
    assert converted is not None
    notes.append(f"colour profile '{name}' converted to sRGB")
    return np.asarray(converted).astype(np.float32) / np.float32(255)


def _all_colours(mode: str) -> np.ndarray:
    """A picture with colours from all over the range."""
    steps = np.arange(0, 256, 51, dtype=np.uint8)
    if mode == "L":
        return np.arange(256, dtype=np.uint8).reshape(16, 16)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(6, 36, 3)


def from_gamma(
    image: FloatArray, gamma: float | None, chromaticity: tuple[float, ...] | None, notes: list[str]
) -> FloatArray:
    """``[H, W, 3]`` in [0, 1] of a PNG without a profile to sRGB (PNG specification, gAMA and cHRM).

    Args:
        gamma: exponent by which light became samples; None where the file does not say.
        chromaticity: x and y of white, red, green and blue; None where the file does not say.
        notes: gets what was done.
    """
    _, srgb, white = PRIMARIES[1]
    plain = gamma is None or not 0.05 <= gamma <= 5 or abs(gamma * 2.2 - 1) < 0.1
    colours = None
    if chromaticity is not None and len(chromaticity) == 8:
        points = [(chromaticity[k], chromaticity[k + 1]) for k in (0, 2, 4, 6)]
        far = np.abs(np.array(points) - [white, *srgb]).max() > 0.01
        if far and all(0 < x < 1 and 0 < y < 1 for x, y in points):
            colours = to_srgb_primaries(points[1:], points[0]).astype(np.float32)
    if plain and colours is None:
        return image
    light = image ** np.float32(2.2 if plain or gamma is None else 1 / gamma)
    if colours is not None:
        light = light @ colours.T
    told = f"gamma {gamma:.4g}" if gamma is not None and not plain else "primaries"
    notes.append(f"{told} of the file converted to sRGB")
    return srgb_from_linear(light)
