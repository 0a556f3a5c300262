"""Make ``mfrec/camera/history.npz``: teach the perceptron of :mod:`mfrec.camera.history` what codecs leave behind.

    python scripts/make_codec_history.py --data faces/sequences --data faces/stills -o mfrec/camera/history.npz

Frames of 32 to 128 px are cut out of good pictures, made soft and noisy, coded and exported in ways that
:func:`mfrec.camera.exports.draw_export` draws, and read back. The frame before coding is known, so is the error. The
same people are held out as by ``mfrec train``, and the last lines say how well their frames are judged.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from mfrec.camera.exports import CLIPS, Export, draw_export, exported
from mfrec.camera.history import features_of
from mfrec.image.colour import luma
from mfrec.image.geometry import resize
from mfrec.imageio.memory import decoded
from mfrec.train.data.degrade import sensor_noise
from mfrec.train.data.pictures import Split, read_pictures

SIDES = (32, 40, 48, 64, 64, 80, 96, 128)
FRAMES = 3
FLOOR = 0.2
"""Grey levels that are added to the error, because rounding to 8 bits alone leaves some 0.3."""

NONE, JPEG, VIDEO = range(3)
STEPS, BATCH, HIDDEN = 4000, 256, 48


def draw_way(rng: np.random.Generator) -> Export:
    """A way with files that do not tell. Every seventh frame was never coded before, and half of those that are saved
    as a JPEG, of any quality."""
    way = draw_export(rng, FRAMES)
    if way.saved == "file":
        way = replace(way, saved="png")
    if rng.random() < (0.5 if way.saved == "jpeg" else 0.14):
        way = replace(way, codec="png", strength=(100,) * FRAMES)
        if way.saved == "jpeg":
            way = replace(way, quality=int(rng.integers(25, 97)))
    return way if way.codec in CLIPS else replace(way, strength=way.strength[:1])


def sample(pictures: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, float, int]:
    """Features of one frame, the base-2 logarithm of its error in grey levels, and what coded it."""
    picture = pictures[int(rng.integers(len(pictures)))]
    side = int(rng.choice(SIDES))
    height, width = picture.shape[:2]
    least = min(height, width)
    field = max(side, int(rng.uniform(0.5 * least, least + 1)))
    top, left = int(rng.integers(0, height - field + 1)), int(rng.integers(0, width - field + 1))
    way = draw_way(rng)
    psf = float(rng.uniform(0, 2.7)) * (rng.random() < 0.7) * field / 256
    noise = float(rng.uniform(0, 5)) / 255 * (rng.random() < 0.7)
    frames = []
    for number in range(FRAMES if way.codec in CLIPS else 1):
        down, right = np.rint(rng.normal(0, 1.5, 2)).astype(int) if number else (0, 0)
        y, x = int(np.clip(top + down, 0, height - field)), int(np.clip(left + right, 0, width - field))
        frame = picture[y : y + field, x : x + field].astype(np.float32) / np.float32(255)
        if psf > 0.05:
            frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), psf), np.float32)
        frame = resize(frame, side, side, interpolation="area")
        frames.append(np.asarray(np.clip(sensor_noise(frame, noise, rng) if noise else frame, 0, 1), np.float32))
    chosen = int(rng.integers(len(frames)))
    frame = decoded(*exported(frames, way)[chosen])[0]
    left, top = way.cut
    before = frames[chosen][top:, left:]
    error = 255 * float(np.sqrt(((luma(frame.image) - luma(before)) ** 2).mean()))
    coder = NONE if way.codec == "png" else JPEG if way.codec in ("jpeg", "mjpeg") else VIDEO
    return features_of(frame.image, frame.jpeg), float(np.log2(error + FLOOR)), coder


def samples(
    folders: list[Path], split: Split, count: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """``count`` of them as tensors."""
    pictures = [p for p in read_pictures(folders, split).every if min(p.shape[:2]) >= max(SIDES)]
    rng = np.random.default_rng(seed)
    features, errors, coders = zip(*(sample(pictures, rng) for _ in range(count)), strict=True)
    return torch.from_numpy(np.stack(features)), torch.tensor(errors), torch.tensor(coders)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--samples", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("-o", "--out", type=Path, required=True)
    asked = parser.parse_args()
    features, errors, coders = samples(asked.data, "train", asked.samples, asked.seed)
    mean, spread = features.mean(0), features.std(0) + 1e-3
    torch.manual_seed(asked.seed)
    network = nn.Sequential(
        *(nn.Linear(features.shape[1], HIDDEN), nn.ReLU(), nn.Dropout(0.1)),
        *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 5)),
    )
    normal = ((features - mean) / spread).clamp(-5, 5)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(0, len(normal), (BATCH,))
        said = network(normal[chosen] + 0.05 * torch.randn(BATCH, normal.shape[1]))
        spoken = said[:, 1].clamp(-4, 2)
        off = (said[:, 0] - errors[chosen]) ** 2
        loss = 0.5 * (off * torch.exp(-spoken) + spoken).mean()
        loss = loss + nn.functional.cross_entropy(said[:, 2:], coders[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    arrays: dict[str, Any] = {"mean": mean.numpy(), "spread": spread.numpy()}
    for number, layer in enumerate(layers):
        arrays[f"weight{number}"] = layer.weight.detach().numpy().T.astype(np.float16)
        arrays[f"bias{number}"] = layer.bias.detach().numpy()
    np.savez(asked.out, **arrays)

    network.eval()
    features, errors, coders = samples(asked.data, "valid", max(1, asked.samples // 8), asked.seed + 1)
    said = network(((features - mean) / spread).clamp(-5, 5)).detach()
    off = (said[:, 0] - errors).square().mean().sqrt()
    print(f"people held out: error within {off:.2f} octaves (rms), of {errors.std():.2f}")
    for name, coder in (("none", NONE), ("jpeg", JPEG), ("video", VIDEO)):
        judged = said[coders == coder, 2:].argmax(1)
        counts = torch.bincount(judged, minlength=3).tolist()
        print(f"{name:6} {len(judged):5} frames, taken for none, jpeg, video: {counts}")


if __name__ == "__main__":
    main()
