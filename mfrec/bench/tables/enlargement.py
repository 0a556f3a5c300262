"""Enlargement of single pictures: Set5 and Set14 on their luma, and faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.bench.run import evenly
from mfrec.bench.scores import BASELINE
from mfrec.bench.tables.result import Published, Row, TableResult, finished, means, of_all
from mfrec.errors import InputError, MfrecError
from mfrec.pipeline import Progress
from mfrec.types import FloatArray

PICTURES = {
    "set5": Published(28.42, 0.8104, "bicubic x4 on Set5, Kim et al., VDSR (CVPR 2016), table 3"),
    "set14": Published(26.00, 0.7027, "bicubic x4 on Set14, Kim et al., VDSR (CVPR 2016), table 3"),
}
"""Tables of single pictures, and what bicubic has there in print."""

GENERAL = {f"network:{card}": card for card in ("esrgan_small_psnr", "esrgan_small")}
"""Peers that are networks of ours for any picture, and their cards."""

SAID = (
    "x4, as the slides have it; their SSIM is another one than ours, 0.97 on Set14 is beyond what the usual one gives"
)

SLIDES = {
    "crops 128 and 128 px, 23 blocks, DIV2K": ((32.47, 0.9335), (31.01, 0.9749)),
    "crops 192 and 192 px, 23 blocks, DIV2K": ((32.30, 0.9329), (31.20, 0.9746)),
    "crops 192 and 128 px, 23 blocks, DIV2K and BSDS500": ((31.93, 0.9266), (30.57, 0.9717)),
    "crops 192 and 128 px, 16 blocks, DIV2K and BSDS500": ((32.01, 0.9274), (30.75, 0.9730)),
    "the original": ((32.73, 0.9011), (28.99, 0.7917)),
}
"""What the slides on ESRGAN print of their trainings, on Set5 and on Set14: PSNR and SSIM."""

FACES = {
    16: Published(23.58, 0.6285, "bicubic on CelebA, Ma et al., DIC (CVPR 2020), table 1; other faces than ours"),
    32: None,
}
"""Side of the small face in pixels to what bicubic has in print; the truth has 128 px."""


def on_pictures(name: str, folder: Path, limit: int | None, progress: Progress) -> TableResult:
    """Enlargement by four of the pictures of a folder, on their luma.

    The small picture is made as the literature makes it (:mod:`mfrec.image.cubic`, rounded to 8 bits), sides are cut to
    a multiple of four, and four pixels along each border are left out.

    Raises:
        InputError: there is no such folder, or no picture in it.
    """
    from mfrec.bench.peers import REALESRGAN, find_peer
    from mfrec.image.cubic import resize_cubic
    from mfrec.metrics.psnr import psnr_y, studio_luma
    from mfrec.metrics.ssim import ssim

    scale = 4
    pictures, every = load_pictures(folder, limit)
    kinds = ("nearest", "bilinear", BASELINE, "lanczos", REALESRGAN, *GENERAL)
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    reasons: dict[str, str] = {}
    for i, picture in enumerate(pictures):
        progress(f"tables, {name}", i, len(pictures))
        height, width = (side // scale * scale for side in picture.shape[:2])
        truth = picture[:height, :width]
        small = in_8_bits(resize_cubic(truth, height // scale, width // scale))
        for kind in kinds:
            if kind == BASELINE:
                large = in_8_bits(resize_cubic(small, height, width))
            elif kind in reasons:
                continue
            else:
                colour = np.dstack([small] * 3) if small.ndim == 2 else small
                try:
                    made = find_peer(kind)([colour], 0)
                except MfrecError as error:
                    reasons[kind] = f"not there ({error})"
                    continue
                large = in_8_bits(made if truth.ndim == 3 else made.mean(axis=2))
            inner = np.s_[scale : height - scale, scale : width - scale]
            lumas = [studio_luma(np.asarray(image, np.float64))[inner] for image in (large, truth)]
            found[kind].append({"psnr_y": psnr_y(large, truth, border=scale), "ssim_y": ssim(*lumas)})
    progress(f"tables, {name}", len(pictures), len(pictures))
    rows = [
        Row(
            kind,
            means(found[kind]),
            len(found[kind]),
            reasons.get(kind, ""),
            PICTURES[name] if kind == BASELINE else None,
            cards=(GENERAL[kind],) if kind in GENERAL else (),
        )
        for kind in kinds
    ]
    rows += [
        Row(
            f"slides on ESRGAN, {label}",
            {},
            0,
            "",
            Published(*printed[name == "set14"], SAID),
        )
        for label, printed in SLIDES.items()
    ]
    title = f"{name.capitalize()}, enlarged by four, PSNR and SSIM of the luma"
    pictured = of_all(len(pictures), every, "pictures")
    data = f"{pictured} of the folder '{folder.resolve().name}', {scale} px of the border left out"
    return finished(name, title, data, ("psnr_y", "ssim_y"), rows)


def on_faces(folder: Path | None, limit: int | None, progress: Progress) -> TableResult:
    """Bicubic enlargement of single faces to 128 px, as the literature on faces states it.

    Raises:
        InputError: there is no such folder, or no picture of 128 px in it.
    """
    from mfrec.image.cubic import resize_cubic
    from mfrec.metrics.psnr import psnr, psnr_y
    from mfrec.metrics.ssim import ssim

    side = 128
    if folder is None:
        from mfrec.camera.film import HEAD, astronaut

        x, y = (int(centre) - 96 for centre in HEAD)
        pictures, every, source = [astronaut()[y : y + 192, x : x + 192]], 1, "the astronaut portrait"
    else:
        loaded, every = load_pictures(folder, limit)
        pictures = [p for p in loaded if p.ndim == 3 and min(p.shape[:2]) >= side]
        source = f"the folder '{folder.resolve().name}'"
    if not pictures:
        raise InputError(f"'{folder}' holds no colour picture of {side} px and more along each side")
    found: dict[int, list[dict[str, float]]] = {small: [] for small in FACES}
    for i, picture in enumerate(pictures):
        progress("tables, faces", i, len(pictures))
        height, width = picture.shape[:2]
        edge = min(height, width)
        top, left = (height - edge) // 2, (width - edge) // 2
        truth = in_8_bits(resize_cubic(picture[top : top + edge, left : left + edge], side, side))
        for small in FACES:
            result = in_8_bits(resize_cubic(in_8_bits(resize_cubic(truth, small, small)), side, side))
            found[small].append(
                {"psnr": psnr(result, truth), "psnr_y": psnr_y(result, truth), "ssim": ssim(result, truth)}
            )
    progress("tables, faces", len(pictures), len(pictures))
    rows = [
        Row(f"bicubic, {small} -> {side} px", means(found[small]), len(found[small]), "", published)
        for small, published in FACES.items()
    ]
    title = "Bicubic enlargement of single faces"
    return finished(
        "faces", title, f"{of_all(len(pictures), every, 'faces')} from {source}", ("psnr", "psnr_y", "ssim"), rows
    )


def load_pictures(folder: Path, limit: int | None = None) -> tuple[list[FloatArray], int]:
    """The pictures of a folder in natural order, and how many it holds.

    Args:
        limit: at most so many, spread evenly.

    Returns:
        ``[H, W, 3]`` float32 in [0, 1] each, and ``[H, W]`` where a file is grey; the number of files.

    Raises:
        InputError: there is no such folder, no picture in it, or one that cannot be read.
    """
    from mfrec.evaluation.pairs import picture_files, read_one
    from mfrec.imageio.formats import open_picture

    if not folder.is_dir():
        raise InputError(f"no folder of pictures at '{folder}'")
    out, files = [], picture_files(folder)
    for file in evenly(files, limit):
        image = read_one(file)
        with open_picture(file) as picture:
            grey = picture.mode == "L"
        out.append(np.ascontiguousarray(image[..., 0]) if grey else image)
    return out, len(files)


def in_8_bits(image: NDArray[Any]) -> FloatArray:
    """A picture as a file of 8 bits would hold it, in [0, 1]."""
    return (np.rint(np.clip(image, 0.0, 1.0) * 255.0) / 255.0).astype(np.float32)
