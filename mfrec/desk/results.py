"""What a run has made, for the page: its pictures, its maps on the grid of the result, and what is known of a pixel."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfrec.desk.case import Case
from mfrec.desk.places import child, file_in, number_of
from mfrec.desk.refusal import RefusalError
from mfrec.documents import DocumentError
from mfrec.errors import MfrecError
from mfrec.imageio import png_bytes
from mfrec.provenance.arrays import read_array
from mfrec.provenance.leading import leading_words
from mfrec.provenance.record import RECORD, read_record
from mfrec.report import pictures

FILES = {
    "reconstruction.png": "image/png",
    "evidence.png": "image/png",
    "reference.png": "image/png",
    "provenance.png": "image/png",
    "uncertainty.png": "image/png",
    "consistency.png": "image/png",
    "levels.png": "image/png",
    "report.html": "text/html; charset=utf-8",
    "report.pdf": "application/pdf",
    "report.signed.pdf": "application/pdf",
    "report.stamped.pdf": "application/pdf",
    "reconstruction.signed.png": "image/png",
    "evidence.signed.png": "image/png",
    "run.json": "application/json",
    "provenance.npz": "application/octet-stream",
    "aligned.tiff": "image/tiff",
}
"""Files of an output that are given out, with their types."""

MAPS = ("sources", "observed", "uncertainty")

OPEN = 3
"""Runs whose arrays are kept."""

LIMIT = 1 << 29
"""Bytes that one array may have here."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """``provenance.npz``, see :func:`mfrec.outputs.provenance_arrays`."""

    weight: NDArray[np.float32]
    observed: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    frames: NDArray[np.int64]
    names: NDArray[np.str_]


class Results:
    """Finished runs of all cases."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int], Arrays] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, case: Case, number: str) -> Path:
        """The output of a run.

        Raises:
            RefusalError: there is none.
        """
        folder = child(case.folder, "runs", number_of(number))
        file_in(folder, RECORD)
        return folder

    def file(self, case: Case, number: str, name: str) -> tuple[Path, str]:
        """One of :data:`FILES` and its type.

        Raises:
            RefusalError: it is none of them, or not there.
        """
        if name not in FILES:
            raise RefusalError("refused.name", 404, name=name[:80])
        return file_in(self.folder(case, number), name), FILES[name]

    def record(self, case: Case, number: str) -> dict[str, Any]:
        """The record of a run.

        Raises:
            RefusalError: there is none that can be read.
        """
        folder = self.folder(case, number)
        try:
            return read_record(folder)
        except MfrecError as error:
            raise RefusalError("refused.record", 409, why=error) from None

    def summary(self, case: Case, number: str) -> dict[str, Any]:
        """What the page says of a run, from its record.

        Raises:
            RefusalError: there is none that can be read.
        """
        folder = self.folder(case, number)
        record = self.record(case, number)
        arrays = self._arrays(case, number)
        height, width = arrays.uncertainty.shape
        left_out = record.get("left_out_frame") or {}
        missed = {frame["index"]: frame["ratio"] for frame in left_out.get("frames", ())}
        return {
            "number": number,
            "created": record["created"],
            "command": record["command"],
            "recipe": record["recipe"]["name"],
            "stamp": record["recipe"]["stamp"],
            "reference": record.get("reference"),
            "canvas": record.get("canvas"),
            "identity": (record.get("identity") or {}).get("text", ""),
            "warnings": record["warnings"],
            "left_out": left_out.get("text", ""),
            "used": [
                {key: used.get(key) for key in ("index", "name", "share", "consistency")}
                | {"left_out": missed.get(used["index"])}
                for used in record["used"]
            ],
            "leading": leading_words(*([used.get(key) for used in record["used"]] for key in ("name", "share"))),
            "dropped": [{key: gone[key] for key in ("name", "reason", "stage")} for gone in record["dropped"]],
            "subjects": record["subjects"],
            "observed": float(arrays.observed.mean()),
            "size": [width, height],
            "colours": [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in pictures.colours(len(arrays.frames))],
            "uncertainty_limit": pictures.uncertainty_limit(arrays.uncertainty),
            "files": [name for name in FILES if (folder / name).is_file()],
        }

    def map(self, case: Case, number: str, name: str, frame: int | None = None) -> bytes:
        """A map on the grid of the result as PNG: one of :data:`MAPS`, or the share of one frame in grey.

        Args:
            case: of the run.
            number: of the run.
            name: of the map, or ``"share"``.
            frame: position among the used frames, for ``"share"``.

        Raises:
            RefusalError: there is none.
        """
        arrays = self._arrays(case, number)
        if name == "sources":
            return png_bytes(pictures.source_map(arrays.weight, beside=pictures.dominant(arrays.weight)))
        if name == "observed":
            return png_bytes(pictures.observed_map(arrays.observed))
        if name == "uncertainty":
            limit = pictures.uncertainty_limit(arrays.uncertainty)
            return png_bytes(pictures.uncertainty_map(arrays.uncertainty, limit))
        if name == "share" and frame is not None and 0 <= frame < len(arrays.frames):
            grey = np.rint(np.clip(arrays.weight[frame], 0, 1) * 255).astype(np.uint8)
            return png_bytes(np.repeat(grey[..., None], 3, axis=2))
        raise RefusalError("refused.name", 404, name=name[:80])

    def pixel(self, case: Case, number: str, x: int, y: int) -> dict[str, Any]:
        """Where a pixel came from: the frames with at least 1 % of it, the largest share first.

        Raises:
            RefusalError: the pixel lies outside.
        """
        arrays = self._arrays(case, number)
        height, width = arrays.uncertainty.shape
        if not (0 <= x < width and 0 <= y < height):
            raise RefusalError("refused.value", 400, why=f"pixel {x}, {y} lies outside of {width} x {height}")
        shares = arrays.weight[:, y, x]
        order = [int(i) for i in np.argsort(-shares, kind="stable") if shares[i] >= 0.01]
        return {
            "x": x,
            "y": y,
            "frames": [
                {
                    "position": i,
                    "index": int(arrays.frames[i]),
                    "name": str(arrays.names[i]),
                    "share": round(float(shares[i]), 4),
                }
                for i in order
            ],
            "observed": round(float(arrays.observed[y, x]), 4),
            "uncertainty": round(float(arrays.uncertainty[y, x]) * 255, 2),
        }

    def _arrays(self, case: Case, number: str) -> Arrays:
        path = file_in(self.folder(case, number), "provenance.npz")
        key = case.key, number, path.stat().st_mtime_ns
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            try:
                arrays = Arrays(
                    weight=read_array(path, "weight", limit=LIMIT),
                    observed=read_array(path, "observed", limit=LIMIT),
                    uncertainty=read_array(path, "uncertainty", limit=LIMIT),
                    frames=read_array(path, "frames"),
                    names=read_array(path, "names"),
                )
                shape = (len(arrays.frames), *arrays.uncertainty.shape)
                if arrays.weight.shape != shape or arrays.observed.shape != shape[1:] or len(arrays.names) != shape[0]:
                    raise DocumentError("its arrays are not of one size")
            except DocumentError as error:
                raise RefusalError("refused.record", 409, why=f"provenance.npz cannot be read: {error}") from None
            self._kept[key] = arrays
            while len(self._kept) > OPEN:
                self._kept.popitem(last=False)
            return arrays
