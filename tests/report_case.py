"""A reconstruction made by hand, for the tests of the report: known motion, known weights, nasty names."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from mfrec.face.surroundings import overview
from mfrec.image.geometry import inside, resize, similarity_map, warp
from mfrec.pipeline import Step
from mfrec.types import (
    Canvas,
    Dropped,
    FaceTrack,
    FloatArray,
    Frame,
    Observation,
    Quality,
    Reconstruction,
    Region,
    RegionMasks,
    Registration,
    Similarity,
    Subject,
)

NASTY = (
    "</script><script>window.broken = 1</script>.png",
    '<img src=x onerror="window.broken = 2">.png',
    "frame & \"quotes\" 'single' `tick` ${7*7} {{ 7*7 }}.png",
    "Überwachung Käfig 監視 камера 📷.png",
    "a b\tc --> <!-- ]]>.png",
    "\u202egnp.eman\u202c right to left.png",
    "x" * 180 + ".png",
)
"""File names that a report must show and never run."""


SHOWN = (Region.SKIN, Region.NOSE, Region.L_EYE, Region.R_EYE, Region.U_LIP, Region.L_LIP, Region.HAIR)
"""The regions that have sources."""


def portrait(side: int) -> FloatArray:
    """``[side, side, 3]`` of the public-domain portrait in scikit-image."""
    face = astronaut()[32:192, 144:304].astype(np.float32) / 255
    return resize(face, side, side, interpolation="area" if side < 160 else "cubic").clip(0, 1)


def blobs(rng: np.random.Generator, count: int, height: int, width: int) -> FloatArray:
    """``[count, height, width]`` smooth positive weights that sum to one."""
    noise = rng.normal(size=(count, height, width)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), width / 14) for plane in noise])
    power = np.exp(1.6 * smooth / smooth.std())
    return (power / power.sum(0)).astype(np.float32)


def digests(data: bytes) -> dict[str, str]:
    """As the record has them."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}


def ellipse_labels(side: int) -> np.ndarray:
    """``[side, side]`` uint8: a rough face."""
    labels = np.zeros((side, side), np.uint8)
    s = side / 32
    for region, centre, axes in (
        (Region.HAIR, (15.5, 13), (13, 14)),
        (Region.SKIN, (15.5, 16), (9, 12)),
        (Region.L_EYE, (11.5, 13), (2.4, 1.2)),
        (Region.R_EYE, (19.5, 13), (2.4, 1.2)),
        (Region.NOSE, (15.5, 17), (2, 3)),
        (Region.U_LIP, (15.5, 22), (3.6, 1)),
        (Region.L_LIP, (15.5, 23.4), (3, 1)),
    ):
        box = ((centre[0] * s, centre[1] * s), (2 * axes[0] * s, 2 * axes[1] * s), 0.0)
        cv2.ellipse(labels, box, int(region), -1)
    return labels


def reconstruction(
    count: int = 7,
    side: int = 32,
    scale: int = 4,
    *,
    names: tuple[str, ...] = (),
    stamp: str = "ENHANCED",
    subjects: int = 1,
    dropped: bool = True,
) -> Reconstruction:
    """``count`` frames of ``side`` px that show the portrait in known places, and a canvas ``scale`` times as large."""
    rng = np.random.default_rng(7)
    canvas = Canvas(0, 0, side, side, scale)
    height, width = canvas.shape
    truth = portrait(height)
    names = (names + tuple(f"{i:04d}.jpg" for i in range(len(names), count)))[:count]
    reference = count // 2
    weight = blobs(rng, count, height, width)
    observations, stacked = [], []
    for i, name in enumerate(names):
        angle, shift = np.radians(rng.uniform(-4, 4)), rng.uniform(-1.5, 1.5, 2)
        if i == reference:
            angle, shift = 0.0, np.zeros(2)
        middle = (side - 1) / 2
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        to_reference = Similarity(np.column_stack([turn, middle + shift - turn @ [middle, middle]]))
        to_canvas = canvas.from_reference.after(to_reference)
        look_up = similarity_map(to_canvas.inverse(), height, width)
        landing = similarity_map(to_canvas, side, side)
        fine = resize(landing, height, width, interpolation="linear")
        seen = resize(warp(truth, fine, interpolation="linear"), side, side, interpolation="area")
        image = np.rint(255 * np.clip(seen + rng.normal(0, 0.02 + 0.01 * (i % 3), seen.shape), 0, 1)) / 255
        trust = inside(look_up, side, side).astype(np.float32)
        stacked.append(warp(image.astype(np.float32), look_up, interpolation="cubic"))
        file = digests(name.encode("utf-8", "surrogatepass"))
        frame = Frame(
            image=image.astype(np.float32),
            index=i,
            name=name,
            path=Path("case 12") / "frames" / str(i),
            sha256=file["sha256"],
            md5=file["md5"],
            time=i / 25,
            notes=("EXIF orientation 6 applied",) if i == 1 else (),
        )
        quality = {
            region: Quality(
                float(rng.uniform(0.3, 1)), float(rng.uniform(0.4, 1)), 0.8, 0.1, 0.02, 1.0, 0.03, 0.98, 0.1
            )
            for region in SHOWN
        }
        labels = RegionMasks(ellipse_labels(side), np.ones((side, side), np.float32))
        registration = Registration(
            look_up=look_up,
            landing=landing,
            trust=trust,
            gain=np.ones(3, np.float32),
            offset=np.zeros(3, np.float32),
            residual=float(0.02 + 0.01 * (i % 3)),
            displacement=float(rng.uniform(0, 0.4)),
            closure=float(rng.uniform(0, 0.1)),
        )
        box = np.array([5, 4, 26, 29], np.float32) * np.float32(side / 32)
        observations.append(Observation(frame, box, 0.97, None, None, to_reference, registration, labels, quality))
    stack = np.stack(stacked)
    image = np.clip((weight[..., None] * stack).sum(0), 0, 1)
    spread = np.sqrt((weight * ((stack - image) ** 2).mean(-1)).sum(0)).astype(np.float32)
    observed = np.ones((height, width), np.float32)
    observed[: height // 10] = np.linspace(0, 1, height // 10, dtype=np.float32)[:, None]
    weight = weight.copy()
    weight[:, : height // 30] = 0
    consistency = np.array([0.02 + 0.01 * (i % 3) for i in range(count)], np.float32)

    left_out: tuple[Dropped, ...] = ()
    if dropped:
        blank = Frame(np.full((side, side, 3), 0.4, np.float32), count, f"{count:04d}.jpg", sha256="0" * 64, time=0.28)
        left_out = (
            Dropped(blank.name, "no face, and it does not register: residual 0.142 > 0.080", count, "align", blank),
            Dropped("notes.png", "not a picture: the file starts with 'hello', expected a PNG signature"),
        )
    people = tuple(
        Subject(k + 1, dict.fromkeys(range(count), np.array([1 + 14 * k, 4, 12 + 14 * k, 22], np.float32)), k == 0)
        for k in range(subjects)
    )
    skills = tuple(observations[0].quality)
    sources = {
        region: tuple(sorted(range(count), key=lambda n: -observations[n].quality[region].score)) for region in skills
    }
    track = FaceTrack(
        observations=tuple(observations),
        dropped=left_out,
        subjects=people,
        overview=overview([o.frame for o in observations], people),
        reference=reference,
        reference_why="score 0.81: yaw 3 degrees, sharpness 0.93, eyes open 0.88; next best 0002.jpg with 0.74",
        canvas=canvas,
        sources=sources,
        warnings=("identity embeddings disagree: 0002.jpg lies 0.63 from the others, expected below 0.6",),
    )
    steps = (
        Step(
            "track", {"subject": 0, "min_size": 20}, 0.41, "Find faces and follow one person.", ("Zhang et al. 2016",)
        ),
        Step(
            "align",
            {"levels": 3},
            0.9,
            "Similarity from landmarks, then flow.",
            ("Umeyama 1991", "Kroeger et al. 2016"),
        ),
        Step(
            "fuse",
            {"method": "map", "psf": 0.4},
            1.2,
            "Maximum a posteriori super-resolution.",
            ("Farsiu et al. 2004",),
        ),
    )
    frames = [o.frame for o in observations]
    record = {
        "mfrec": "0.1.0",
        "schema": 1,
        "created": "2026-11-21T05:28:58+00:00",
        "command": "mfrec reconstruct 'case 12/frames' -o out --recipe evidence",
        "recipe": {"name": "evidence", "stamp": stamp, "stages": [{"name": s.stage, **s.parameters} for s in steps]},
        "arguments": {"scale": scale, "crop": "auto", "reference": "auto", "subject": "auto"},
        "device": "cpu",
        "seed": 0,
        "versions": {"python": "3.11.9", "numpy": "2.4.6", "opencv": "4.14.0"},
        "machine": {"system": "Linux 6.1", "processor": "x86_64", "cores": 2},
        "inputs": [
            {"index": f.index, "name": f.name, "path": str(f.path), "sha256": f.sha256, "md5": f.md5, "time": f.time,
             "size": [side, side], "notes": list(f.notes)}
            for f in frames
        ],
        "used": [{"index": f.index, "name": f.name} for f in frames],
        "dropped": [{"index": d.index, "name": d.name, "reason": d.reason, "stage": d.stage} for d in left_out],
        "subjects": [],
        "regions": {},
        "reference": {"index": reference, "name": names[reference], "why": track.reference_why},
        "steps": [asdict(s) for s in steps],
        "warnings": list(track.warnings),
        "outputs": {name: digests(name.encode()) for name in ("reconstruction.png", "reference.png")},
    }  # fmt: skip
    enlarged = np.clip(cv2.resize(frames[reference].image, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    return Reconstruction(image, image, enlarged, weight, observed, spread, consistency, track, stamp, record)
