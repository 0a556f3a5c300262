"""What a run leaves behind: the files of a reconstruction, or of a chain that ended early.

How they come to their name is said in :mod:`mfrec.publication`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.asked_regions import KEEP, TRANSFER
from mfrec.errors import UsageError
from mfrec.face.regions import FEATURES
from mfrec.image.levels import levels_of
from mfrec.image.stamp import MARK, METADATA, WORDS, bears_words, enlarging, marked, stamped_large
from mfrec.options import Options
from mfrec.pipeline import Progress, silent
from mfrec.provenance.arrays import write_arrays
from mfrec.provenance.digests import check_unchanged, file_digests
from mfrec.provenance.record import RECORD, sealed_json
from mfrec.publication.folder import staged, writing
from mfrec.recipe import draws
from mfrec.runtime.memory import give_back
from mfrec.runtime.threads import one_thread, side_by_side
from mfrec.types import FaceTrack, Observation, Reconstruction

RESULT, ARRAYS = "reconstruction.png", "provenance.npz"


def save(
    reconstruction: Reconstruction, out: str | os.PathLike[str], *, overwrite: bool = False, pdf: bool = False
) -> list[Path]:
    """Write everything about a reconstruction into the folder ``out``.

    Args:
        reconstruction: what :func:`mfrec.reconstruct` returned.
        out: a folder that does not exist yet or is empty; an earlier output with ``overwrite``.
        overwrite: replace an earlier output.
        pdf: write the report as PDF as well.

    Returns:
        The files, ``run.json`` last.

    Raises:
        UsageError: ``out`` is in the way, or cannot be written.
    """
    originals = reconstruction.record.get("arguments", {}).get("frames", ())
    with staged(out, overwrite=overwrite, originals=originals) as folder:
        names = [path.name for path in write_outputs(reconstruction, folder, pdf=pdf)]
    return [Path(out) / name for name in names]


def reconstruct_into(
    out: str | os.PathLike[str],
    frames: Sequence[str | os.PathLike[str]],
    options: Options,
    *,
    command: str,
    device: str = "auto",
    seed: int = 0,
    strict: bool = False,
    pdf: bool = False,
    overwrite: bool = False,
    about: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> Reconstruction:
    """Reconstruct from files, and publish everything about it as the folder ``out``: what ``mfrec reconstruct`` does.

    Args:
        out: see :func:`save`; whether it is in the way is known before a frame is opened.
        frames: a folder, a video or files.
        options, device, seed, strict, progress: see :func:`mfrec.reconstruct`.
        command: goes into the record, as what was typed.
        pdf, overwrite: see :func:`save`.
        about: the case, see :func:`mfrec.provenance.about.read_about`.

    Raises:
        UsageError, InputError, IdentityError, WeightsError: see :func:`mfrec.reconstruct` and :func:`save`.
    """
    from mfrec.reconstruction import run_recipe

    with staged(out, overwrite=overwrite, originals=frames) as folder:
        result = run_recipe(frames, options, device=device, seed=seed, strict=strict, progress=progress)
        check_unchanged((*result.record["inputs"], *result.record["given"]))
        case = {"case": dict(about)} if about else {}
        result = replace(result, record={**result.record, "command": command, **case})
        write_outputs(result, folder, pdf=pdf)
    return result


@one_thread()
def write_outputs(reconstruction: Reconstruction, folder: Path, *, pdf: bool = False) -> list[Path]:
    """Write pictures, arrays, report and record into an existing folder; ``run.json`` last.

    Raises:
        UsageError: a file cannot be written (full disk, permissions).
    """
    from mfrec.imageio import png_bytes, to_uint8
    from mfrec.report import pictures, write_report

    names = [observation.frame.name for observation in reconstruction.track.observations]
    check_stamped(reconstruction)
    images = {
        marked(RESULT, reconstruction.stamp): (pictures.result(reconstruction), reconstruction.stamp),
        "evidence.png": (reconstruction.evidence, "ENHANCED"),
        "reference.png": (reconstruction.reference, "ENHANCED"),
        "provenance.png": (pictures.provenance(reconstruction, names), "ENHANCED"),
        "uncertainty.png": (pictures.uncertainty(reconstruction), "ENHANCED"),
        "consistency.png": (pictures.consistency(reconstruction), "ENHANCED"),
        **answer_images(reconstruction.track, reconstruction.stamp),
    }
    record = dict(reconstruction.record)
    if reconstruction.stamp == WORDS:
        record["marked"] = {"enlarged": enlarging(*reconstruction.image.shape[:2]), "interpolation": "bicubic"}
    if record.get("arguments", {}).get("levels"):
        levels = levels_of(reconstruction.image)
        record["levels"] = levels._asdict()
        shown = levels.applied(reconstruction.image)
        images[marked("levels.png", reconstruction.stamp)] = (shown, f"{reconstruction.stamp}, levels stretched")
    with writing():
        arrays = provenance_arrays(reconstruction)

        def write(name: str) -> None:
            if name == ARRAYS:
                write_arrays(folder / name, arrays)
                return
            image, stamp = images[name]
            pixels = image if image.dtype == np.uint8 else to_uint8(image)
            png = png_bytes(pixels, {"Software": "mfrec", "Title": described(name), "Comment": stamp})
            (folder / name).write_bytes(png)

        for _ in side_by_side(write, (ARRAYS, *images)):  # the arrays take as long as all pictures
            pass
        files = [folder / name for name in (*images, ARRAYS)]
        record = {**record, "outputs": {path.name: file_digests(path) for path in files}}
        files += write_report(replace(reconstruction, record=record), folder, pdf=pdf)
        files.append(write_record(record, folder, files))
    give_back()  # what one run has freed is no other's
    return files


def check_stamped(reconstruction: Reconstruction) -> None:
    """Refuse a picture that a generator or a discriminator's pupil drew and that does not say so.

    Raises:
        UsageError: the words are not in its pixels, or its stamp is not the one that its recipe has.
    """
    recipe, imagined = reconstruction.record.get("recipe", {}), reconstruction.track.imagined
    drew = any(draws(stage.get("name"), stage.get("method")) for stage in recipe.get("stages", ()))
    if imagined is None and not drew and WORDS not in (reconstruction.stamp, recipe.get("stamp")):
        return
    pictures = [reconstruction.image, *(() if imagined is None else imagined.images)]
    if {reconstruction.stamp, recipe.get("stamp")} != {WORDS} or not all(bears_words(one) for one in pictures):
        raise UsageError(
            f"the picture shows what no frame does and does not bear the words {WORDS} in its pixels and its record; "
            "save the reconstruction as mfrec.reconstruct returned it"
        )


def answer_images(track: FaceTrack, stamp: str) -> dict[str, tuple[NDArray[Any], str]]:
    """What a generator drew, by the name of its file; the words are in the pixels already."""
    from mfrec.report import pictures

    if track.imagined is None:
        return {}
    answers = {marked(f"answer-{k + 1}.png", stamp): (one, stamp) for k, one in enumerate(track.imagined.images)}
    spread = pictures.uncertainty_map(track.imagined.spread, pictures.uncertainty_limit(track.imagined.spread))
    return {**answers, marked("spread.png", stamp): (spread, stamp)}


def described(name: str) -> str:
    """The title of a picture."""
    return METADATA if MARK in name else DESCRIPTIONS[name]


@one_thread()
def write_stage(track: FaceTrack, record: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write what a chain that ended early has found out, as pictures of every frame; ``run.json`` last.

    Regions become a label map of every frame (CelebAMask-HQ's numbers) and a mask of every feature of the reference: 0
    where it is, 255 elsewhere. ``--mask`` takes both. Registered frames are also the pages of ``aligned.tiff``, with 16
    bits a sample, all of them on the canvas and in the reference's light.

    Raises:
        UsageError: a file cannot be written.
    """
    from mfrec.imageio import png_bytes, tiff_stack_bytes, to_uint8

    images: dict[str, NDArray[np.uint8]] = {}
    for observation in track.observations:
        number = f"{observation.frame.index:04d}"
        images[f"frame-{number}.png"] = annotated(observation)
        if observation.regions is not None:
            images[f"labels-{number}.png"] = observation.regions.labels
        if observation.registration is not None:
            images[f"registered-{number}.png"] = to_uint8(registered(observation))
    chief = None if track.reference is None else track.observations[track.reference]
    if chief is not None and chief.regions is not None:
        for name, regions in FEATURES.items():
            mask = chief.regions.mask(*regions)
            if mask.any():
                images[f"mask-{name}.png"] = np.where(mask, TRANSFER, KEEP).astype(np.uint8)
    stack = [o for o in track.observations if o.registration is not None]
    if track.fused is not None:
        stamp = record["recipe"]["stamp"]
        image = stamped_large(track.fused.image) if stamp == WORDS else track.fused.image
        images[marked("fused.png", stamp)] = to_uint8(image)
        images |= {name: to_uint8(image) for name, (image, _) in answer_images(track, stamp).items()}
    with writing():
        files = []
        for name, pixels in images.items():
            files.append(folder / name)
            files[-1].write_bytes(png_bytes(pixels, {"Software": "mfrec"}))
        if stack:
            files.append(folder / "aligned.tiff")
            files[-1].write_bytes(tiff_stack_bytes([(o.frame.name, aligned(o)) for o in stack]))
        return [*files, write_record(record, folder, files)]


def annotated(observation: Observation) -> NDArray[np.uint8]:
    """A frame with its box, its landmarks and the outlines of its regions, enlarged to at least 384 px.

    Returns:
        ``[H, W, 3]`` uint8.
    """
    import cv2

    from mfrec.imageio import to_uint8

    image = observation.frame.image
    factor = max(1, -(-384 // max(image.shape[:2])))
    picture = np.ascontiguousarray(to_uint8(image).repeat(factor, axis=0).repeat(factor, axis=1))
    if observation.regions is not None:
        labels = observation.regions.labels.repeat(factor, axis=0).repeat(factor, axis=1)
        edge = (labels != np.roll(labels, 1, axis=0)) | (labels != np.roll(labels, 1, axis=1))
        edge[0], edge[:, 0] = False, False
        picture[edge] = (64, 200, 255)

    def at(point: NDArray[Any]) -> tuple[int, int]:
        x, y = np.rint((np.asarray(point, np.float64) + 0.5) * factor - 0.5).astype(int)
        return int(x), int(y)

    if observation.box is not None:
        cv2.rectangle(picture, at(observation.box[:2]), at(observation.box[2:]), (255, 196, 0), 2)
    if observation.landmarks is not None:
        for point in observation.landmarks.points:
            cv2.circle(picture, at(point), 2, (255, 64, 64), -1)
    return picture


def registered(observation: Observation) -> NDArray[np.float32]:
    """A registered frame on the canvas in the reference's light, darker where it is not trusted; ``[H, W, 3]``.

    Raises:
        ValueError: the frame is not registered.
    """
    registration = observation.registration
    if registration is None:
        raise ValueError(f"'{observation.frame.name}' is not registered; run the stage align first")
    return (aligned(observation) * (0.3 + 0.7 * registration.trust[..., None])).astype(np.float32)


def aligned(observation: Observation) -> NDArray[np.float32]:
    """A registered frame on the canvas in the reference's light, otherwise unchanged; ``[H, W, 3]`` in [0, 1].

    Raises:
        ValueError: the frame is not registered.
    """
    from mfrec.image.geometry import warp

    registration = observation.registration
    if registration is None:
        raise ValueError(f"'{observation.frame.name}' is not registered; run the stage align first")
    seen = warp(observation.frame.image, registration.look_up) * registration.gain + registration.offset
    return np.clip(seen, 0.0, 1.0).astype(np.float32)


DESCRIPTIONS = {
    RESULT: "Face computed from several frames",
    "evidence.png": "Face computed from several frames by the evidence recipe",
    "reference.png": "One frame, enlarged by bicubic interpolation",
    "provenance.png": "Which frame gave each pixel",
    "uncertainty.png": "Expected standard deviation of each pixel",
    "levels.png": "For looking only: the reconstruction with its light spread from black to white",
    "consistency.png": "Each frame against the result seen as that frame saw it",
}


def write_record(record: Mapping[str, Any], folder: Path, files: Iterable[Path]) -> Path:
    """Write ``run.json`` with the digests of ``files``, all of which lie in ``folder``."""
    path = folder / RECORD
    outputs = {file.name: file_digests(file) for file in files}
    path.write_text(sealed_json({**record, "outputs": outputs}), encoding="ascii")
    return path


def provenance_arrays(reconstruction: Reconstruction) -> dict[str, NDArray[Any]]:
    """The numbers behind the pictures.

    Returns:
        ``weight [N, H, W]`` in steps of :data:`SHARE`, ``observed [H, W]``, ``uncertainty [H, W]`` and
        ``consistency [N]``, float32, as in :class:`~mfrec.types.Fused`; ``frames [N]``, the index of each frame in the
        sequence; ``names [N]``.
    """
    frames = [observation.frame for observation in reconstruction.track.observations]
    return {
        "weight": in_steps(reconstruction.weight),
        "observed": reconstruction.observed,
        "uncertainty": reconstruction.uncertainty,
        "consistency": reconstruction.consistency,
        "frames": np.array([frame.index for frame in frames], np.int64),
        "names": np.array([frame.name for frame in frames], np.str_),
    }


SHARE = 1 / 1024
"""Step of the shares that are written: a tenth of a percent, in a quarter of the bytes of all digits."""


def in_steps(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares ``[N, H, W]`` rounded to whole steps so that they still sum to exactly what they did, 1 or 0.

    The running sum over the frames is rounded, so each share is less than a step from what it was.
    """
    out = np.empty_like(weight)
    total, before = np.zeros(weight.shape[1:], np.float64), np.zeros(weight.shape[1:], np.float64)
    for share, written in zip(weight, out, strict=True):
        total += share
        now = np.rint(total / SHARE)
        written[:] = (now - before) * SHARE
        before = now
    return out
