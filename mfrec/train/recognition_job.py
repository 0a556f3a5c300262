"""Make the shipped recognition network from folders of faces: read, distil, teach doubt, measure, export.

    python -m mfrec.train.recognition_job SEQUENCES STILLS -o FOLDER --terms "research only"

The same people are held out as in every other training (:mod:`mfrec.train.data.pictures`), and measured on. It writes
``recognition.safetensors`` and the card that vouches for it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tomlkit
import torch
import typer
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from mfrec.cards.load import cards_folder, read_card, with_weights
from mfrec.errors import InputError, MfrecError
from mfrec.image.geometry import resize
from mfrec.imageio import read
from mfrec.imageio.sequences import find_sequences, has_frames
from mfrec.metrics.identity import separation
from mfrec.nets.dlib_resnet import SIDE as TEACHER_SIDE
from mfrec.nets.dlib_resnet import DlibResNet, load_dlib_resnet
from mfrec.nets.recognition import Recognition, upright_faces
from mfrec.publication.files import replace_files
from mfrec.train.data.pictures import VALIDATION, read_pictures
from mfrec.train.distil import Faces, Progress, distil, draw_spoiling, find_faces, spoil
from mfrec.train.export import described, half, source_commit
from mfrec.train.stochastic_head import teach_doubt
from mfrec.types import FloatArray
from mfrec.version import __version__

CHECK_SIDE = 128
"""Pixels to which pictures of people held out are brought before their faces are compared."""


def held_out(folders: Sequence[Path]) -> tuple[Faces, tuple[str, ...], tuple[str, ...]]:
    """Faces of the people of the validation fold at :data:`CHECK_SIDE`: the first and last frame of every sequence.

    Returns:
        The faces, the person of each, and the sequence of each.

    Raises:
        InputError: the split leaves nobody.
    """
    found: list[Faces] = []
    persons: list[str] = []
    sequences: list[str] = []
    for folder in (f for f in folders if not has_frames(f)):
        for sequence in find_sequences(folder, VALIDATION):
            frames = read(sequence.folder).frames
            for frame in (frames[0], frames[-1]):
                small = resize(frame.image, CHECK_SIDE, CHECK_SIDE, interpolation="area")
                try:
                    found.append(find_faces([small]))
                except InputError:
                    continue
                persons.append(sequence.person)
                sequences.append(f"{folder}/{sequence.name}")
    if not found:
        raise InputError(f"no sequence belongs to the people of fold {VALIDATION}, who are measured on; give more")
    faces = Faces(np.concatenate([f.canvases for f in found]), np.concatenate([f.points for f in found]))
    return faces, tuple(persons), tuple(sequences)


def figures(
    student: Recognition, teacher: DlibResNet, faces: Faces, persons: Sequence[str], sequences: Sequence[str]
) -> dict[str, float]:
    """How well the student does the teacher's work on people that it has not seen.

    Returns:
        ``auc`` and ``auc_of_teacher``: how often two pictures of one person (from different sequences) lie nearer than
        two of different people. ``distance_to_teacher``: mean distance of the two embeddings of one picture; the
        teacher's limit for one person is 0.6. ``correlation_between_people``: of the student's and the teacher's
        distances of different people. ``correlation_of_damage``: of their distances between a face and the same face
        spoilt at random.
    """
    rng = np.random.default_rng(0)
    whole = [canvas.astype(np.float32) / 255 for canvas in faces.canvases]
    spoilt = [spoil(canvas, draw_spoiling(len(canvas), rng)) for canvas in faces.canvases]
    ours, theirs = embeddings(student, teacher, whole, faces.points)
    ours_spoilt, theirs_spoilt = embeddings(student, teacher, spoilt, faces.points)
    first, second = np.triu_indices(len(whole), 1)
    person, sequence = np.array(persons), np.array(sequences)
    different = person[first] != person[second]
    same = ~different & (sequence[first] != sequence[second])
    ours_between, theirs_between = (np.linalg.norm(e[first] - e[second], axis=1) for e in (ours, theirs))
    ours_damage = np.linalg.norm(ours - ours_spoilt, axis=1)
    theirs_damage = np.linalg.norm(theirs - theirs_spoilt, axis=1)
    return {
        "auc": separation(ours_between[same], ours_between[different]),
        "auc_of_teacher": separation(theirs_between[same], theirs_between[different]),
        "distance_to_teacher": float(np.linalg.norm(ours - theirs, axis=1).mean()),
        "correlation_between_people": float(np.corrcoef(ours_between[different], theirs_between[different])[0, 1]),
        "correlation_of_damage": float(np.corrcoef(ours_damage, theirs_damage)[0, 1]),
    }


def embeddings(
    student: Recognition, teacher: DlibResNet, canvases: Sequence[FloatArray], points: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """``[N, 128]`` each, of faces ``[S, S, 3]`` with landmarks ``[N, 68, 2]``."""
    ours: list[Tensor] = []
    theirs: list[Tensor] = []
    with torch.inference_mode():
        for canvas, place in zip(canvases, points, strict=True):
            image = torch.from_numpy(np.ascontiguousarray(canvas.transpose(2, 0, 1)))[None]
            where = torch.from_numpy(place)[None]
            ours.append(student(upright_faces(image, where)[0]))
            theirs.append(teacher(upright_faces(image, where, TEACHER_SIDE, finer=1)[0]))
    return torch.cat(ours).numpy(), torch.cat(theirs).numpy()


def make(folders: Sequence[Path], folder: Path, *, terms: str, steps: int, seed: int) -> dict[str, float]:
    """Train, measure the rounded weights and write them with their card.

    Raises:
        InputError: the folders hold no faces to learn from, or nobody to measure on.
        UsageError: the folder cannot be written.
    """

    def report(progress: Progress) -> None:
        if progress.step % 50 == 0 or progress.step == progress.steps:
            left = progress.seconds / progress.step * (progress.steps - progress.step) / 60
            print(
                f"step {progress.step} of {progress.steps}, loss {progress.loss:.3f}, {left:.0f} min", file=sys.stderr
            )

    check = held_out(folders)
    faces = find_faces(
        picture.astype(np.float32) / np.float32(255) for picture in read_pictures(folders, "train").every
    )
    teacher = load_dlib_resnet()
    source = cards_folder() / "recognition.toml"
    card = read_card(source)
    student = distil(faces, teacher, steps=steps, seed=seed, report=report)
    tensors = half(teach_doubt(student, faces, seed=seed, report=report))
    scores = figures(with_weights(card, tensors), teacher, *check)
    payload = save(tensors)
    text = tomlkit.parse(source.read_text(encoding="utf-8"))
    facts: dict[str, Any] = {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "origin": f"trained with mfrec {__version__}",
        "training": f"{steps} batches and the second head's own training, seed {seed}, of "
        f"{len(faces.canvases):,} faces from {described(folders)}; "
        f"the {len(set(check[1]))} people of fold {VALIDATION} were measured on instead; {terms}",
        "commit": source_commit(),
        "trained": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metrics": {name: round(value, 3) for name, value in scores.items()},
    }
    for key, value in facts.items():
        text[key] = value
    replace_files(folder, {card.file: payload, source.name: tomlkit.dumps(text).encode("utf-8")})
    return scores


def main(
    folders: Annotated[list[Path], typer.Argument(exists=True, file_okay=False, help="Sequences and stills.")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="Gets card and weights.")],
    terms: Annotated[str, typer.Option(help="Under which terms the pictures may be used, for the card.")] = "",
    steps: Annotated[int, typer.Option(min=2, help="Batches of 64 faces.")] = 1700,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Distil the recognition network from dlib's and write it with its card."""
    try:
        scores = make(
            folders,
            output,
            terms=terms or "the terms of these pictures were not stated",
            steps=steps,
            seed=seed,
        )
    except MfrecError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    for name, value in scores.items():
        print(f"{name} {value:.3f}")


if __name__ == "__main__":
    typer.run(main)
