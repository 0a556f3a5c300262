"""Every network of single pictures on faces that it has not learnt from, beside plain interpolation.

A face is a frame of a sequence, its largest square, made 128 px; of grey portraits all of the picture, made 112 x 92 px
as "Enhance!" does. It is made smaller by the bicubic interpolation of the literature, rounded to 8 bits, enlarged
again, and measured against what it was. Networks that a discriminator taught are expected to look better
(``perceptual``), to have a lower PSNR, and to be no nearer to the person (``identity``); the table prints all three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mfrec.bench.run import evenly
from mfrec.bench.scores import BASELINE
from mfrec.bench.tables.enlargement import in_8_bits
from mfrec.bench.tables.result import Row, TableResult, finished, means, spreads
from mfrec.errors import InputError
from mfrec.pipeline import Progress
from mfrec.types import FloatArray

FRAMES = 3
"""Of a sequence that are measured, spread evenly."""

SIDE = 128
"""Pixels of a colour face."""

PORTRAIT = (112, 92)
"""Rows and columns of a grey portrait."""

COLUMNS = ("psnr", "psnr_gain", "ssim", "perceptual", "identity")

OF_EYES = "_eyes"
"""What the names of cards end in whose networks are for pairs of eyes and not for faces."""

Enlarger = Callable[[FloatArray], FloatArray]
"""``[h, w, 3]`` to what a method makes of it, ``[scale h, scale w, 3]`` in [0, 1]."""


@dataclass(frozen=True)
class Compared:
    """A row before it is measured.

    Attributes:
        label: in words. scale: along each side. cards: whose weights it depends on.
        enlarge: does it; None where ``reason`` says why it is not there.
    """

    label: str
    scale: int
    cards: tuple[str, ...] = ()
    enlarge: Enlarger | None = None
    reason: str = ""


def faces_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Colour faces, 32 and 64 px to 128.

    Raises:
        InputError: the sequences cannot be used.
    """
    del seed  # nothing is drawn
    truths, said = faces(data, people, limit)
    rows = compared(3, truths, progress)
    return finished("single", "Networks of single pictures on faces, to 128 px", said, COLUMNS, rows)


def portraits_table(data: Path | None, people: str, seed: int, limit: int | None, progress: Progress) -> TableResult:
    """Grey portraits, 56 x 46 to 112 x 92 px, as "Enhance!" has them.

    Raises:
        InputError: the portraits cannot be used.
    """
    from mfrec.image.colour import luma
    from mfrec.image.cubic import resize_cubic

    del seed
    pictures, said = frames(data, people, limit)
    truths = []
    for picture in pictures:
        rows, columns = picture.shape[:2]
        fit = min(rows / PORTRAIT[0], columns / PORTRAIT[1])
        height, width = (int(fit * side) for side in PORTRAIT)
        top, left = (rows - height) // 2, (columns - width) // 2
        grey = resize_cubic(luma(picture[top : top + height, left : left + width]), *PORTRAIT)
        truths.append(in_8_bits(np.dstack([grey] * 3)))
    rows = compared(1, truths, progress)
    title = "Networks of single pictures on grey portraits, 56 x 46 to 112 x 92 px"
    return finished("portraits", title, said, COLUMNS, rows)


def faces(data: Path | None, people: str, limit: int | None) -> tuple[list[FloatArray], str]:
    """Faces ``[SIDE, SIDE, 3]`` in steps of 8 bits, and which they are.

    Raises:
        InputError: the sequences cannot be used.
    """
    from mfrec.image.cubic import resize_cubic

    pictures, said = frames(data, people, limit)
    out = []
    for picture in pictures:
        edge = min(picture.shape[:2])
        top, left = ((side - edge) // 2 for side in picture.shape[:2])
        out.append(in_8_bits(resize_cubic(picture[top : top + edge, left : left + edge], SIDE, SIDE)))
    return out, said


def frames(data: Path | None, people: str, limit: int | None) -> tuple[list[FloatArray], str]:
    """Frames ``[H, W, 3]`` in [0, 1] of the chosen people's sequences, :data:`FRAMES` of each, and which they are.

    Raises:
        InputError: the sequences cannot be used.
    """
    if data is None:
        from mfrec.camera.film import HEAD, astronaut

        x, y = (int(centre) - 96 for centre in HEAD)
        return [astronaut()[y : y + 192, x : x + 192]], "The astronaut portrait"
    from mfrec.evaluation.pairs import picture_files, read_one
    from mfrec.imageio.sequences import find_sequences

    sequences = evenly(find_sequences(data, people), limit)
    out = [read_one(file) for sequence in sequences for file in evenly(picture_files(sequence.folder), FRAMES)]
    if not out:
        raise InputError(f"'{data}' holds no frame of the people '{people}'")
    persons = len({sequence.person for sequence in sequences})
    return (
        out,
        f"{len(out)} frames of {len(sequences)} sequences, {persons} people, '{people}' of '{data.resolve().name}'",
    )


def methods(channels: int, *, of_eyes: bool = False) -> list[Compared]:
    """Interpolation and every network for pictures of so many channels that has weights, by scale and name.

    Args:
        channels: 3 or 1.
        of_eyes: those for pairs of eyes, in place of all others.
    """
    from mfrec.cards.foreign import need_torch
    from mfrec.cards.load import card_names, card_path, read_card
    from mfrec.cards.single_picture import KINDS, find_single_picture
    from mfrec.errors import MfrecError

    found: list[Compared] = []
    for name in card_names():
        card = read_card(card_path(name))
        if card.net not in KINDS or not card.sha256 or name.endswith(OF_EYES) != of_eyes:
            continue
        try:
            need_torch(f"the network '{name}'")
            network = find_single_picture(name)
        except MfrecError as error:
            found.append(Compared(name, 0, (name,), None, f"not there ({error})"))
            continue
        if network.channels == channels:
            label = f"{name}, adversarial" if network.draws else name
            found.append(Compared(label, network.scale, (name,), network))
    scales = sorted({each.scale for each in found if each.scale} or {4})
    plain = [Compared(BASELINE, scale, (), interpolated(scale)) for scale in scales]
    return sorted([*plain, *found], key=lambda each: (each.scale, each.label != BASELINE))


def interpolated(scale: int) -> Enlarger:
    """Bicubic interpolation of the literature."""
    from mfrec.image.cubic import resize_cubic

    return lambda image: np.clip(resize_cubic(image, scale * image.shape[0], scale * image.shape[1]), 0, 1)


def compared(channels: int, truths: Sequence[FloatArray], progress: Progress) -> list[Row]:
    """The rows of a table: every method on every truth ``[H, W, 3]``, whose sides the scales divide."""
    from mfrec.image.cubic import resize_cubic
    from mfrec.metrics.names import Case, Truth, measure

    asked = methods(channels)
    measured: dict[int, list[dict[str, float]]] = {number: [] for number in range(len(asked))}
    missing: dict[int, str] = {}
    for i, truth in enumerate(truths):
        progress("tables, single pictures", i, len(truths))
        known = Truth(truth, f"face {i + 1}")
        smalls: dict[int, FloatArray] = {}
        plain: dict[int, float] = {}
        for number, method in enumerate(asked):
            if method.enlarge is None:
                continue
            if method.scale not in smalls:
                sides = (side // method.scale for side in truth.shape[:2])
                smalls[method.scale] = in_8_bits(resize_cubic(truth, *sides))
            result = in_8_bits(method.enlarge(smalls[method.scale]))
            case = Case(result, known, smalls[method.scale], None)
            values, reasons = measure(case, ("psnr", "ssim", "perceptual", "identity"))
            plain.setdefault(method.scale, values["psnr"])
            measured[number].append({**values, "psnr_gain": values["psnr"] - plain[method.scale]})
            for why in reasons.values():
                missing[number] = why
    progress("tables, single pictures", len(truths), len(truths))
    return [
        Row(
            f"x{method.scale} {method.label}" if method.scale else method.label,
            means(measured[number]),
            len(measured[number]),
            method.reason or (f"not of every face ({missing[number]})" if number in missing else ""),
            spreads={key: value for key, value in spreads(measured[number]).items() if key == "psnr"},
            cards=method.cards,
        )
        for number, method in enumerate(asked)
    ]
