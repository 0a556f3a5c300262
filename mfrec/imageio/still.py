"""A picture that Pillow has opened, of any mode and depth, to RGB."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mfrec.image.colour import ycc_to_rgb
from mfrec.imageio.code_points import code_points, stored_depth
from mfrec.imageio.formats import DECODER_ERRORS
from mfrec.imageio.jpeg import has_limited_range
from mfrec.imageio.profile import from_gamma, profiled
from mfrec.imageio.reading import RefusedError, over_grey
from mfrec.types import FloatArray

if TYPE_CHECKING:
    from PIL import Image, ImageFile


def still_image(picture: ImageFile.ImageFile, data: bytes, notes: list[str]) -> FloatArray:
    """Decode the current picture of an opened file to sRGB ``[H, W, 3]`` in [0, 1], opaque, oriented as stored.

    Args:
        picture: of any mode.
        data: the whole file.
        notes: gets what was done.
    """
    profile: bytes | None = picture.info.get("icc_profile")
    parts: list[tuple[str, bytes]] = getattr(picture, "applist", [])
    if profile is None and any(part.startswith(b"ICC_PROFILE\0") for _, part in parts):
        notes.append("colour profile incomplete, not applied")
    depth = stored_depth(picture.format, data)
    if depth > 8 and picture.mode in ("RGB", "RGBA"):
        notes.append(f"{depth} bit, read as 8")
    if has_limited_range(picture):
        return _of_limited_range(picture, notes)
    points = code_points(picture.format, data, profile=profile is not None)
    if points is not None:
        return points.to_srgb(_in_its_colours(picture, data, None, (None, None), notes), notes)
    return _in_its_colours(picture, data, profile, _declared_colours(picture), notes)


def _of_limited_range(picture: ImageFile.ImageFile, notes: list[str]) -> FloatArray:
    """A JPEG ``[H, W, 3]`` whose samples are those of video (ITU-T T.871 asks for the full range; BT.601, 2.5.3)."""
    notes.append("limited colour range expanded")
    picture.draft("YCbCr", picture.size)
    picture.load()
    samples = np.asarray(picture if picture.mode == "YCbCr" else picture.convert("YCbCr"), np.float32)
    zero, span = np.array([16, 128, 128], np.float32), np.array([219, 224, 224], np.float32)
    return np.clip(ycc_to_rgb((samples - zero) / span), 0, 1)


def _in_its_colours(
    picture: ImageFile.ImageFile,
    data: bytes,
    profile: bytes | None,
    png: tuple[float | None, tuple[float, ...] | None],
    notes: list[str],
) -> FloatArray:
    """The current picture ``[H, W, 3]``; to sRGB by the profile, or the gamma and chromaticities, that are given."""
    if _is_deep(picture):
        # Pillow keeps 8 of the 16 bits of a colour picture.
        deep = _deep_image(data, notes)
        if deep is not None:
            return converted(deep, profile, png, notes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture.load()
    mode = picture.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        samples = np.asarray(picture)
        image = converted(_grey_image(samples, notes), profile, png, notes)
        key = picture.info.get("transparency")
        if not isinstance(key, int):
            return image
        return over_grey(np.concatenate([image, (samples != key)[..., None].astype(np.float32)], axis=2), notes)
    if mode == "P" and not picture.getpalette():
        raise RefusedError("damaged, cannot be decoded: the palette of its colours is missing")
    if mode in ("P", "PA"):
        notes.append("palette")
    elif mode in ("1", "L", "LA", "La"):
        notes.append("grey")
    elif mode not in ("RGB", "RGBA", "RGBX", "RGBa"):
        notes.append(f"converted from {mode}")
    if mode == "CMYK" and picture.format == "JPEG" and "adobe" not in picture.info:
        notes.append("inverted ink, as Adobe stores it, assumed: the file does not say")
    alpha = None
    plain: Image.Image = picture
    if picture.has_transparency_data:
        full = picture.convert("RGBA")
        alpha, plain = np.asarray(full.getchannel("A")), full.convert("RGB")
    elif mode not in ("L", "CMYK", "LAB", "RGB"):
        plain = picture.convert("RGB")
    image = _profiled_or_plain(plain, profile, notes)
    image = from_gamma(image, *png, notes) if profile is None else image
    if alpha is None:
        return image
    return over_grey(np.concatenate([image, alpha[..., None].astype(np.float32) / np.float32(255)], axis=2), notes)


def _profiled_or_plain(plain: Image.Image, profile: bytes | None, notes: list[str]) -> FloatArray:
    """An opaque 8-bit picture as RGB, by its profile where it has one."""
    from PIL import ImageCms

    if plain.mode == "LAB" and profile is None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = profiled(plain, profile, notes) if profile is not None else None
    if image is None:
        samples = np.asarray(plain if plain.mode == "RGB" else plain.convert("RGB"))
        # The quotient of float32 samples, without an array of these: 144 MB of a picture of 12 million pixels.
        image = np.divide(samples, np.float32(255), dtype=np.float32)
    return image


def converted(
    image: FloatArray,
    profile: bytes | None,
    png: tuple[float | None, tuple[float, ...] | None],
    notes: list[str],
) -> FloatArray:
    """A deep picture ``[H, W, 3]`` in the colours of its profile or its PNG header to sRGB.

    Args:
        profile: an ICC profile, which is applied to samples rounded to 8 bits.
        png: gamma and chromaticities of a PNG file, see :func:`from_gamma`.
        notes: gets what was done.
    """
    from PIL import Image

    if profile is None:
        return from_gamma(image, *png, notes)
    eight = np.rint(image * 255).astype(np.uint8)
    grey = bool(np.array_equal(eight[..., 0], eight[..., 1]) and np.array_equal(eight[..., 0], eight[..., 2]))
    for plain in [eight[..., 0], eight] if grey else [eight]:
        told: list[str] = []
        out = profiled(Image.fromarray(np.ascontiguousarray(plain)), profile, told)
        if out is not None or not any("not for this kind" in note for note in told):
            notes += [f"{note}, in 8 bits" for note in told]
            return image if out is None else out
    notes.append("colour profile is not for this kind of picture, not applied")
    return image


ADOBE_RGB = 256 / 563, (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
"""Gamma and chromaticities of Adobe RGB (1998), 4.3.1, in the order of :func:`from_gamma`."""

EXIF, COLOUR_SPACE, INTEROPERABILITY = 0x8769, 0xA001, 0xA005
"""Tags of EXIF 2.3: its main directory, the colour space, and the directory that names the rule the file follows."""


def _declared_colours(picture: ImageFile.ImageFile) -> tuple[float | None, tuple[float, ...] | None]:
    """Gamma and chromaticities that a PNG declares, or the EXIF data of a camera's JPEG, which has no profile then.

    What says that a PNG is sRGB goes first. The rule ``R03`` with an uncalibrated colour space is Adobe RGB (DCF 2.0).
    """
    if picture.format == "JPEG" and picture.mode == "RGB":
        try:
            exif = picture.getexif()
            adobe = exif.get_ifd(EXIF).get(COLOUR_SPACE) == 0xFFFF and exif.get_ifd(INTEROPERABILITY).get(1) == "R03"
        except DECODER_ERRORS:
            adobe = False
        return ADOBE_RGB if adobe else (None, None)
    if picture.format != "PNG" or "srgb" in picture.info:
        return None, None
    return picture.info.get("gamma"), picture.info.get("chromaticity")


def _is_deep(picture: ImageFile.ImageFile) -> bool:
    tiles = picture.tile
    tile = str(tiles[0].args) if tiles else ""
    deep = ";16" in tile or (picture.format == "PPM" and "65535" in tile)
    return deep and picture.format in ("PNG", "PPM") and picture.mode in ("RGB", "RGBA", "RGBX", "LA")


def _deep_image(data: bytes, notes: list[str]) -> FloatArray | None:
    """Decode a 16-bit colour picture with OpenCV, None where OpenCV sees no more than 8 bits in it."""
    import cv2

    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise RefusedError("damaged, cannot be decoded: the 16-bit samples are incomplete")
    if samples.dtype != np.uint16 or samples.ndim != 3:
        return None
    notes.append("16 bit")
    scaled = samples.astype(np.float32) / np.float32(65535)
    if samples.shape[2] == 4:
        return over_grey(scaled[..., [2, 1, 0, 3]], notes)
    return np.ascontiguousarray(scaled[..., ::-1])


def _grey_image(samples: NDArray[Any], notes: list[str]) -> FloatArray:
    """``[H, W]`` samples of a 16-bit, 32-bit or floating-point grey picture to ``[H, W, 3]``."""
    low, high = samples.min(), samples.max()
    if samples.dtype.kind == "f":
        if not (low >= 0 and high <= 1):
            raise RefusedError(f"floating-point samples from {low:.6g} to {high:.6g}; they must be in [0, 1]")
        notes.append("grey, floating point")
        scaled = samples.astype(np.float32)
    else:
        if low < 0 or high > 65535:
            raise RefusedError(f"whole-number samples from {low} to {high}; at most 16 bits are understood")
        notes.append("grey, 16 bit")
        scaled = samples.astype(np.float32) / np.float32(65535)
    return np.repeat(scaled[..., None], 3, axis=2)
