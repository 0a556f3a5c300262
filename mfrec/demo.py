"""The demonstration: film a public-domain portrait with a simulated surveillance camera and reconstruct it.

The reconstruction gets the clip of :mod:`mfrec.camera.film` and nothing else: not the motion, not the blur, and not
which frame will be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mfrec.camera.film import SCALE, astronaut, draw_shoot, film
from mfrec.pipeline import Progress, silent

if TYPE_CHECKING:
    from mfrec.types import Reconstruction


@dataclass(frozen=True)
class Row:
    """One line of the demonstration's table.

    Attributes:
        picture: what was compared with the truth.
        psnr: in decibels.
        ssim: at most 1.
    """

    picture: str
    psnr: float
    ssim: float


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What :func:`demonstrate` did.

    Attributes:
        rows: the reference frame first, then the evidence picture and the restored one.
        reconstruction: the whole result.
        report: the report for people.
        comparison: a picture of, from left to right, the reference frame as filmed and by bicubic interpolation,
            the evidence picture, the restored picture, and the truth.
    """

    rows: tuple[Row, ...]
    reconstruction: Reconstruction
    report: Path
    comparison: Path


def demonstrate(
    folder: Path, *, frames: int = 15, size: int = 48, seed: int = 0, crf: int = 23, progress: Progress = silent
) -> Demonstration:
    """Film the portrait, reconstruct it with the default recipe, and compare with the truth.

    Writes ``clip.mp4``, ``truth.png`` and ``comparison.png`` into ``folder`` and everything about the
    reconstruction into ``folder/result``; what an earlier demonstration left there is replaced, if nobody changed it.

    Args:
        folder: made where it is missing.
        frames, size, seed, crf: see :func:`film`.
        progress: called as ``progress(stage, done, total)``.

    Raises:
        UsageError: the folder cannot be written, or holds other people's files of these names.
        ValueError: see :func:`film`.
    """
    from mfrec.imageio import png_bytes, to_uint8
    from mfrec.metrics.psnr import psnr
    from mfrec.metrics.ssim import ssim
    from mfrec.outputs import save
    from mfrec.publication.files import check_files, replace_files
    from mfrec.reconstruction import reconstruct

    shoot = draw_shoot(frames=frames, size=size, seed=seed, crf=crf)
    clip, comparison = folder / "clip.mp4", folder / "comparison.png"
    check_files(folder, (clip.name, "truth.png", comparison.name))
    filmed = film(astronaut(), shoot)
    replace_files(folder, {clip.name: filmed.clip})

    # The whole frame is compared, and the reconstruction chooses its reference by itself.
    result = reconstruct(clip, scale=SCALE, crop="frame", seed=seed, progress=progress)
    save(result, folder / "result", overwrite=True)
    chosen = result.record["reference"]["index"]
    chief = next(o.frame for o in result.track.observations if o.frame.index == chosen)
    truth = filmed.truth[chosen]
    pictures = (
        (f"reference (frame {chosen}, bicubic)", result.reference),
        ("evidence", result.evidence),
        ("restored", result.image),
    )
    rows = tuple(Row(name, psnr(picture, truth), ssim(picture, truth)) for name, picture in pictures)

    as_filmed = chief.image.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    strip = np.hstack(
        [to_uint8(image) for image in (as_filmed, result.reference, result.evidence, result.image, truth)]
    )
    replace_files(folder, {"truth.png": png_bytes(to_uint8(truth)), comparison.name: png_bytes(strip)})
    return Demonstration(rows, result, folder / "result" / "report.html", comparison)


def film_minute(folder: Path, *, frames: int = 1500, seed: int = 0, progress: Progress = silent) -> list[Path]:
    """Film footage of people who walk and cross, with its truth, see :mod:`mfrec.camera.footage_film`.

    Writes ``footage.mp4``, ``footage.json`` (all that was drawn) and ``truth-NNNN.png`` of every 25th frame.

    Args:
        folder: made where it is missing.
        frames: how many, at 25 a second.
        seed: of everything that is drawn.
        progress: called as ``progress("film", done, total)``.

    Returns:
        The files.

    Raises:
        UsageError: the folder cannot be written, or holds other people's files of these names.
        ValueError: no frames.
    """
    from mfrec.camera.footage_film import draw_footage, film_footage, footage_truth, people_in_footage
    from mfrec.imageio import png_bytes
    from mfrec.publication.files import check_files, replace_files

    shoot = draw_footage(frames=frames, seed=seed)
    names = ["footage.mp4", "footage.json", *(f"truth-{i:04d}.png" for i in range(0, frames, shoot.fps))]
    check_files(folder, names)
    people = people_in_footage()
    made = {"footage.mp4": film_footage(people, shoot, progress), "footage.json": shoot.to_json().encode("ascii")}
    for frame in range(0, frames, shoot.fps):
        made[f"truth-{frame:04d}.png"] = png_bytes(footage_truth(people, shoot, frame))
    replace_files(folder, made)
    return [folder / name for name in names]


def table(rows: tuple[Row, ...]) -> str:
    """The rows as aligned text, with the gain over the first row."""
    width = max(len(row.picture) for row in rows)
    lines = [f"{'against the truth':<{width}}   PSNR (dB)     SSIM"]
    for row in rows:
        gain = f"   {row.psnr - rows[0].psnr:+.2f} dB" if row is not rows[0] else ""
        lines.append(f"{row.picture:<{width}}   {row.psnr:9.2f}   {row.ssim:6.3f}{gain}")
    return "\n".join(lines)
