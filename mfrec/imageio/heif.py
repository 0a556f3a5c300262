"""HEIF and HEIC files, as phones write them: libheif puts tiles together and turns pictures upright."""

from __future__ import annotations

import numpy as np

from mfrec.imageio.colour import to_srgb
from mfrec.imageio.item_properties import described, main_properties, pixel_aspect
from mfrec.imageio.limits import size_reason
from mfrec.imageio.profile import profiled
from mfrec.imageio.reading import RefusedError, over_grey
from mfrec.types import FloatArray


def heif_pictures(data: bytes) -> int:
    """How many pictures a file holds, thumbnails and depth maps apart."""
    import pi_heif

    return len(pi_heif.open_heif(data, convert_hdr_to_8bit=False))


def heif_aspect(data: bytes, number: int) -> float:
    """Width of a pixel of an upright picture divided by its height, which libheif passes over.

    Raises:
        RefusedError: some picture of the file has pixels that are not square, and it is not the main one that is asked
            for: which one it is is not looked for.
    """
    import pi_heif

    if all(pixel_aspect([box]) == 1 for box in described(data)):
        return 1.0
    if not pi_heif.open_heif(data, convert_hdr_to_8bit=False)[number].info["primary"]:
        raise RefusedError("the file has pictures whose pixels are not square; export this one as PNG or TIFF")
    found = main_properties(data)
    aspect = pixel_aspect(found)
    turns = sum(box.body[0] & 3 for box in found if box.kind == b"irot" and box.body)
    return 1 / aspect if turns % 2 else aspect


def heif_picture(data: bytes, number: int, notes: list[str]) -> FloatArray:
    """One picture ``[H, W, 3]`` in sRGB, upright and opaque, of pixels as they are stored.

    Raises:
        RefusedError: a size or colour that is not read.
        One of DECODER_ERRORS: the file is damaged.
    """
    import pi_heif
    from PIL import Image

    picture = pi_heif.open_heif(data, convert_hdr_to_8bit=False)[number]
    reason = size_reason(*picture.size)
    if reason is not None:
        raise RefusedError(reason)
    samples = np.asarray(picture)
    depth = int(picture.info.get("bit_depth", 8))
    # Deeper samples come in the high bits of 16.
    top = 255 if samples.dtype == np.uint8 else (2**depth - 1) << (16 - depth)
    if samples.dtype != np.uint8:
        notes.append(f"{depth} bit")
    scaled = np.minimum(samples.astype(np.float32) / np.float32(top), 1)
    if scaled.ndim == 2:
        scaled = scaled[..., None]
    if scaled.shape[2] < 3:
        notes.append("grey")
        scaled = np.concatenate([np.repeat(scaled[..., :1], 3, axis=2), scaled[..., 1:]], axis=2)
    colour = scaled[..., :3]
    profile, coded = picture.info.get("icc_profile"), picture.info.get("nclx_profile")
    if profile:
        eight = Image.fromarray(np.rint(colour * 255).astype(np.uint8))
        converted = profiled(eight, profile, notes)
        colour = colour if converted is None else converted
    elif coded:
        colour = to_srgb(colour, int(coded["color_primaries"]), int(coded["transfer_characteristics"]), notes)
    return over_grey(np.concatenate([colour, scaled[..., 3:]], axis=2), notes) if scaled.shape[2] == 4 else colour
