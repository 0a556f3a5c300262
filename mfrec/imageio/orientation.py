"""Pictures that are stored lying or mirrored: EXIF orientations and display matrices."""

from __future__ import annotations

import io
import math
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from mfrec.types import JpegTables

if TYPE_CHECKING:
    from av import VideoFrame


class Orientation(NamedTuple):
    """How a stored picture becomes upright: transpose first, then mirror x, then mirror y."""

    transpose: bool
    mirror_x: bool
    mirror_y: bool

    @property
    def words(self) -> str:
        """What it does to the picture."""
        mirrored = self.transpose ^ self.mirror_x ^ self.mirror_y
        if mirrored:
            return {
                (False, True): "mirrored left to right",
                (False, False): "mirrored top to bottom",
                (True, False): "mirrored along the diagonal",
                (True, True): "mirrored along the other diagonal",
            }[(self.transpose, self.mirror_x)]
        degrees = {(False, False): 0, (False, True): 180, (True, False): 90, (True, True): 270}
        return f"rotation by {degrees[(self.transpose, self.mirror_x)]} degrees counter-clockwise"


ORIENTATIONS = {
    1: Orientation(False, False, False),
    2: Orientation(False, True, False),
    3: Orientation(False, True, True),
    4: Orientation(False, False, True),
    5: Orientation(True, False, False),
    6: Orientation(True, True, False),
    7: Orientation(True, True, True),
    8: Orientation(True, False, True),
}
"""EXIF orientation to what makes the picture upright."""

AS_STORED = ORIENTATIONS[1]


def upright(image: NDArray[Any], orientation: Orientation) -> NDArray[Any]:
    """Apply an orientation to a stored picture ``[H, W, 3]``; the array itself where nothing has to be done."""
    if orientation == AS_STORED:
        return image
    if orientation.transpose:
        image = image.transpose(1, 0, 2)
    return image[:: -1 if orientation.mirror_y else 1, :: -1 if orientation.mirror_x else 1]


def upright_tables(tables: JpegTables | None, orientation: Orientation, width: int, height: int) -> JpegTables | None:
    """JPEG tables of the upright picture, whose size in pixels is ``width x height``.

    Mirroring changes the sign of odd coefficients only, so the steps stay; transposing exchanges the frequencies.
    The file counts its blocks from the stored picture's corner and pads the last one. Where that side is mirrored, the
    cut block comes first and the others follow it.
    """
    if tables is None:
        return None
    luma, chroma, (across, down) = tables.luma, tables.chroma, tables.subsampling
    if orientation.transpose:
        luma, chroma, across, down = luma.T, chroma.T, down, across
    phase = width % 8 if orientation.mirror_x else 0, height % 8 if orientation.mirror_y else 0
    return JpegTables(luma, chroma, (across, down), phase)


def video_orientation(frame: VideoFrame, jpeg: bytes | None, notes: list[str]) -> Orientation:
    """What the container's display matrix, or the codec's or the EXIF data's, says about a decoded frame.

    Args:
        frame: as the decoder gave it.
        jpeg: the JPEG file that it was in a Motion JPEG video.
        notes: gets a line where the matrix is no quarter turn and no mirror image.
    """
    try:
        side_data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV refuses the whole list where one entry is of a kind that it does not know: EXIF data.
        return _jpeg_orientation(jpeg)
    if side_data is None:
        return AS_STORED
    # Stored (x, y) is shown at (a x + c y, b x + d y), y pointing down (ISO 14496-12, 8.3.2).
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(side_data))
    across, down = math.hypot(a, b), math.hypot(c, d)
    straight = across > 0 and down > 0 and min(abs(a), abs(b)) < 0.02 * across and min(abs(c), abs(d)) < 0.02 * down
    if not straight or (abs(a) > abs(b)) != (abs(d) > abs(c)):
        angle = math.degrees(math.atan2(b, a)) if across else 0.0
        notes.append(f"rotation by {angle:.4g} degrees in the file ignored")
        return AS_STORED
    if abs(a) > abs(b):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)


def _jpeg_orientation(jpeg: bytes | None) -> Orientation:
    from mfrec.imageio.formats import DECODER_ERRORS, open_picture

    if jpeg is None:
        return AS_STORED
    try:
        with open_picture(io.BytesIO(jpeg)) as picture:
            return ORIENTATIONS.get(picture.getexif().get(0x0112, 1), AS_STORED)
    except DECODER_ERRORS:
        return AS_STORED
