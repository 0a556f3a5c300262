"""The values that travel between stages.

Conventions, the same everywhere in mfrec:

* an image is float32 RGB in [0, 1], shape ``[H, W, 3]``; a map is float32 ``[H, W]``;
* a point is ``(x, y)`` in pixels, pixel centres lie at integers, the origin is the centre of the
  top-left pixel, so a picture of width ``W`` covers ``x`` in ``[-0.5, W - 0.5]``;
* every value is immutable: dataclasses are frozen and arrays are made read-only on entry.
"""

from __future__ import annotations

from mfrec.types.arrays import FloatArray, frozen_array
from mfrec.types.drawn import Drawn, GeneratorState
from mfrec.types.face import TYPICAL_POWER, Landmarks, Overview, Quality, ReferenceScore, RegionMasks, Subject, Wanted
from mfrec.types.frame import CodecView, Dropped, Frame, FrameId, JpegTables
from mfrec.types.geometry import Canvas, Similarity
from mfrec.types.imagined import Imagined
from mfrec.types.region import Region
from mfrec.types.registration import FlowSettings, Registration
from mfrec.types.track import ByHand, Cleaned, FaceTrack, Fused, Observation, Reconstruction, Reposed

__all__ = [
    "TYPICAL_POWER",
    "ByHand",
    "Canvas",
    "Cleaned",
    "CodecView",
    "Drawn",
    "Dropped",
    "FaceTrack",
    "FloatArray",
    "FlowSettings",
    "Frame",
    "FrameId",
    "Fused",
    "GeneratorState",
    "Imagined",
    "JpegTables",
    "Landmarks",
    "Observation",
    "Overview",
    "Quality",
    "Reconstruction",
    "ReferenceScore",
    "Region",
    "RegionMasks",
    "Registration",
    "Reposed",
    "Similarity",
    "Subject",
    "Wanted",
    "frozen_array",
]
