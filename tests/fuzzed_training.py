"""Readers of what networks are trained from and kept in, for :mod:`fuzzed`."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from compact_network import Compact
from fuzzed import Reader, Spoil
from hostile import spoilt_bytes, spoilt_file, spoilt_pickle, spoilt_png
from official_pickle import official_generator, pickled
from PIL import Image
from tiny_cards import SMALL, card_of

from mfrec.asked_regions import drawn_mask
from mfrec.cards.foreign import load_spandrel
from mfrec.cards.load import load_network
from mfrec.cards.official_stylegan2 import add_stylegan2
from mfrec.errors import InputError, UsageError, WeightsError
from mfrec.imageio import png_bytes
from mfrec.nets.srresnet import Srresnet
from mfrec.train.checkpoint import CHECKPOINT, Checkpoint, load_checkpoint, save_checkpoint
from mfrec.train.data.labelled_faces import read_labels
from mfrec.train.data.layouts import celeba, people_of
from mfrec.train.data.pictures import label_of, read_still
from mfrec.train.trunks import read_tensors
from mfrec.types import Region

GROUNDTRUTH = """<?xml version="1.0"?><dataset name="P1E_S1_C1"><frame number="00000000"/>
<frame number="00000001"><person id="0001"><leftEye x="1" y="2"/></person></frame></dataset>"""


def readers(folder: Path) -> list[Reader]:
    """Every reader, with sound files made in ``folder`` to begin with."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (24, 24, 3), np.uint8)
    labels = np.full((24, 24), int(Region.SKIN), np.uint8)
    still = png_bytes(picture)
    tensors = {"a.weight": torch.rand(3, 3), "b": torch.zeros(2)}
    checkpoint = Checkpoint("i", 1, 2, 1, 0.5, tensors, tensors, {"state": {0: {"step": 1}}}, [{"loss": 0.1}])
    save_checkpoint(checkpoint, folder)
    card = Path(card_of(folder / "card", "srresnet", Srresnet(features=4, blocks=1, scale=2), SMALL))
    weights, text = (card.parent / "net.safetensors").read_bytes(), card.read_text("utf-8")
    sum_of = hashlib.sha256(weights).hexdigest()

    def read_weights(path: Path) -> None:
        # Whoever makes a card can make it for any file.
        data = path.read_bytes()
        (path.parent / "net.safetensors").write_bytes(data)
        own = path.parent / "net.toml"
        own.write_text(text.replace(sum_of, hashlib.sha256(data).hexdigest()), "utf-8")
        load_network(own)

    def read_celeba(path: Path) -> None:
        faces = path.parent / "img_align_celeba"
        faces.mkdir(exist_ok=True)
        for number in (1, 2):
            (faces / f"{number:06d}.jpg").touch()
        celeba(path.parent)

    def read_pictures(path: Path) -> None:
        try:
            read_still(path)
        finally:
            label_of(dataclasses.make_dataclass("Sequence", ["folder"])(path.parent))

    def masks(path: Path) -> None:
        drawn_mask(path, [Region.SKIN], "--mask skin=x")

    def jpeg() -> bytes:
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "JPEG")
        return out.getvalue()

    def of_torch(value: Any) -> bytes:
        out = io.BytesIO()
        torch.save(value, out)
        return out.getvalue()

    official = {number: pickled({"G_ema": official_generator(8)}, number) for number in (3, 4)}

    def pickle(draw: random.Random) -> bytes:
        data = official[draw.choice((3, 4))]
        return spoilt_pickle(data, draw) if draw.random() < 0.8 else spoilt_file(data, draw)

    def read_official(path: Path) -> None:
        out = path.parent / "new"
        shutil.rmtree(out, ignore_errors=True)
        add_stylegan2(path, "mine", out / "faces.toml")

    (folder / "own.pth").write_bytes(compact := of_torch({"params": Compact().state_dict()}))
    load_spandrel(folder / "own.pth")  # what it imports takes longer than any file
    checked = (folder / CHECKPOINT).read_bytes()
    return [
        Reader(CHECKPOINT, of_file(checked), lambda path: load_checkpoint(path.parent), (UsageError,)),
        Reader("trunk.pth", of_file(of_torch(tensors)), read_tensors, (WeightsError,)),
        Reader("net.weights", of_file(weights), read_weights, (WeightsError,)),
        Reader("official.pkl", pickle, read_official, (WeightsError,)),
        Reader("own.pth", of_file(compact), load_spandrel, (UsageError,)),
        Reader("list_eval_partition.txt", of_bytes(b"000001.jpg 0\n000002.jpg 1\n"), read_celeba, (InputError,)),
        Reader("P1E_S1_C1.xml", of_bytes(GROUNDTRUTH.encode()), people_of, (InputError,)),
        Reader("labels.png", of_png(png_bytes(labels)), lambda path: read_labels(path, (24, 24)), (InputError,)),
        Reader("mask.png", of_png(png_bytes(labels)), masks, (UsageError, InputError)),
        Reader("still.png", of_png(still), read_pictures, (InputError,)),
        Reader("still.jpg", of_file(jpeg()), read_pictures, (InputError,)),
    ]


def of_bytes(data: bytes) -> Spoil:
    return lambda draw: spoilt_bytes(data, draw)


def of_file(data: bytes) -> Spoil:
    return lambda draw: spoilt_file(data, draw)


def of_png(data: bytes) -> Spoil:
    def spoil(draw: random.Random) -> bytes:
        return spoilt_png(data, draw) if draw.random() < 0.7 else spoilt_file(data, draw)

    return spoil
