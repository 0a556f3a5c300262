"""Frames of a clip in any order, for somebody who looks: the exact ones that a run works on, and quick small ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mfrec.errors import NoFramesError
from mfrec.image.geometry import resize
from mfrec.imageio.container import frame_rate, opened, picture_stream
from mfrec.imageio.damage import DamageWatch
from mfrec.imageio.decoding import Coded, decoded
from mfrec.imageio.encode import jpeg_bytes, to_uint8
from mfrec.imageio.key_frames import KeyFrames
from mfrec.imageio.orientation import upright, video_orientation
from mfrec.imageio.packets import PacketTable, packet_table
from mfrec.imageio.pictures import picture_frames
from mfrec.imageio.reading import Findings, RefusedError, shown
from mfrec.imageio.small_pictures import SmallPictures
from mfrec.imageio.strip import LOOKS, Move, Strip
from mfrec.imageio.survey import survey
from mfrec.imageio.video import VideoFile, converted
from mfrec.imageio.ycbcr import picture_image
from mfrec.pipeline import silent
from mfrec.types import Frame

if TYPE_CHECKING:
    from av.container import InputContainer

KEPT = 32 << 20
"""Bytes of small pictures that are kept, as JPEG: some 300 frames 960 pixels wide, through which somebody can go to and
fro without decoding anything again."""

FAR = 8
"""Frames from which on the way to one is taken over those alone that others refer to."""

HASTE = 0.012
"""Seconds after which whoever moves fast over a clip is shown what has been decoded by then."""

QUALITY = 88
"""Of these, on which nothing is measured."""

RECENT = 8
"""Decoded frames that are kept: a page asks for a few frames ahead and then for the exact pixels of the one before
them, and decoding does not go back for that."""

NEAR = 60
"""Frames ahead that are decoded through rather than looked for from a key frame."""


@dataclass(frozen=True)
class Sheet:
    """What a player can show.

    Attributes:
        kind: ``"video"`` or ``"pictures"``.
        count: how many frames.
        width, height: in pixels as they are shown; of the first one.
        times: seconds from the first frame; None where the file does not say.
        keys: numbers of the frames that decoding can begin at.
        names: of the frames.
    """

    kind: str
    count: int
    width: int
    height: int
    times: tuple[float | None, ...]
    keys: tuple[int, ...]
    names: tuple[str, ...]


class ClipPlayer:
    """The frames of a video by their numbers, counted as the names of a run's frames count them (``clip.mp4#12``).

    A frame is what :func:`mfrec.imageio.stream` gives, bit for bit, whatever was asked for before. Not for several
    threads at once.

    Args:
        path: of the video.

    Raises:
        NoFramesError: it is none, or holds nothing that can be shown.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with opened(path) as container:
            stream = picture_stream(container, path)
            self._table, rate = packet_table(container, stream), frame_rate(stream)
            self._aspect = float(stream.sample_aspect_ratio or 1)
        self._key_frames = KeyFrames(path, self._table)
        self._source = VideoFile(path, "", "", self._table, rate, self._aspect)
        self._container: InputContainer | None = None
        self._pictures: Iterator[Coded] | None = None
        self._recent: deque[Coded] = deque(maxlen=RECENT)
        self._small = SmallPictures(KEPT)
        self.strip = Strip(KeyFrames(path, self._table, self._key_frames.alone), self._table.count, self._jpeg)
        self._last_look = (0, 0.0)
        self._last_shown = -1
        image = self.frame(0).image
        self.sheet = self._sheet(image.shape[1], image.shape[0])

    def _sheet(self, width: int, height: int) -> Sheet:
        table: PacketTable = self._table
        count = table.count
        times: tuple[float | None, ...]
        if table.timed:
            times = tuple(round(float(time - table.shown[0]), 6) for time in table.shown)
        elif self._source.rate:
            times = tuple(round(number / self._source.rate, 6) for number in range(count))
        else:
            times = (None,) * count
        keys = np.flatnonzero(table.keys & table.visible)
        numbers = np.sort(table.ranks[keys]) if table.ordered else keys
        name = shown(self.path, whole=False)
        return Sheet(
            "video",
            count,
            width,
            height,
            times,
            tuple(int(k) for k in numbers),
            tuple(f"{name}#{n}" for n in range(count)),
        )

    def close(self) -> None:
        """Let the file go."""
        self._key_frames.close()
        self.strip.close()
        self._rewind()

    def _rewind(self) -> None:
        if self._container is not None:
            self._container.close()
        self._container = self._pictures = None
        self._recent.clear()

    def frame(self, number: int) -> Frame:
        """A frame as a run would read it; without digests of the file, which take long.

        Raises:
            NoFramesError: there is none of that number, it cannot be decoded, or its colours are not understood.
        """
        found = self._exactly(number) if 0 <= number < self._table.count else None
        if found is None:
            raise NoFramesError(f"frame {number} of '{shown(self.path)}' cannot be decoded; look at its neighbours")
        before, coded = found
        try:
            return converted(self._source, coded, before, number)
        except RefusedError as error:
            raise self._unseen(number, error) from None

    def _unseen(self, number: int, error: RefusedError) -> NoFramesError:
        return NoFramesError(f"frame {number} of '{shown(self.path)}' cannot be shown: {error}")

    def preview(self, number: int, width: int) -> bytes:
        """A frame in a hurry: scaled down by area to at most ``width``, in the decoder's own colours, upright.

        Returns:
            A JPEG; not for measuring.

        Raises:
            NoFramesError: see :meth:`frame`.
        """
        if not 0 <= number < self._table.count:
            raise NoFramesError(
                f"frame {number} of '{shown(self.path)}' is not there; expected 0 to {self.sheet.count - 1}"
            )
        kept = self._known(number, width)
        if kept is not None:
            return kept
        recent = self._among_recent(number)
        for coded in self._towards(number) if recent is None else recent[1:]:
            # What is passed on the way is what a step backwards asks for next.
            if number - coded.number <= NEAR and (coded.number, width) not in self._small:
                self._small.keep(coded.number, width, self._jpeg(coded, width))
        found = self._small.find(number, width)
        if found is None:
            raise NoFramesError(f"frame {number} of '{shown(self.path)}' cannot be decoded; look at its neighbours")
        return found

    def near(self, number: int, width: int) -> tuple[int, bytes]:
        """What is soonest seen of a place in the clip, for somebody who moves fast over it.

        Returns:
            The number of the frame that is shown, at most ``number``, and its :meth:`preview`: the last one up to it
            that is known, where that is another than before and as near as can be seen by who moves so fast; else the
            last one that is decoded within :data:`HASTE`, or the key frame.

        Raises:
            NoFramesError: see :meth:`frame`.
        """
        key = self._key_frames.last(number) if number < self._table.count else None
        if key is None:
            return number, self.preview(number, width)
        began = perf_counter()
        move = Move(number, (number - self._last_look[0]) / max(began - self._last_look[1], 1e-3))
        self._last_look = number, began
        self.strip.moved(move)
        found = next((earlier for earlier in range(number, key - 1, -1) if self._known(earlier, width)), None)
        if found is None:
            coded = self._key_frames.decoded(key)
            if coded is None:
                return number, self.preview(number, width)
            found = key
            self.strip.keep(coded, width)
        elif number - found >= self._reach(move, found):
            latest = None
            for coded in self._key_frames.towards(number, all_frames=number - found < FAR):
                latest = coded
                if perf_counter() - began > HASTE:
                    break
            if latest is not None and found < latest.number <= number:
                found = latest.number
                self.strip.keep(latest, width)
        self._last_shown = found
        return found, self.preview(found, width)

    def _reach(self, move: Move, found: int) -> float:
        """Frames from a known one on from which a nearer one is worth decoding; who goes on wants another picture."""
        reach = min(abs(move.speed) / LOOKS, 2 * FAR)
        return max(self.strip.step, reach / 2 if found == self._last_shown and move.speed > 0 else reach)

    def _known(self, number: int, width: int) -> bytes | None:
        return self._small.find(number, width) or self.strip.find(number, width)

    def _jpeg(self, coded: Coded, width: int) -> bytes:
        """A small picture of a decoded frame.

        Raises:
            NoFramesError: its colours are not understood.
        """
        picture = coded.picture
        across, down = picture.width * max(1.0, self._aspect), picture.height * max(1.0, 1 / self._aspect)
        factor = min(1.0, width / max(across, down))
        columns, rows = max(2, round(across * factor)), max(2, round(down * factor))
        try:
            small = picture.reformat(width=columns, height=rows, format="rgb24", interpolation="AREA").to_ndarray()
        except OSError:
            # FFmpeg's scaler refuses some declared colours that a run reads.
            try:
                small = to_uint8(resize(picture_image(picture, []), rows, columns, interpolation="area"))
            except RefusedError as error:
                raise self._unseen(coded.number, error) from None
        orientation = video_orientation(coded.source, coded.jpeg, [])
        return jpeg_bytes(np.ascontiguousarray(upright(small, orientation), np.uint8), QUALITY)

    def _exactly(self, number: int) -> tuple[Coded | None, Coded] | None:
        """A frame, and the one shown before it where that can be decoded."""
        found = self._among_recent(number)
        if found is None or (found[0] is None and number > 0):
            for _ in self._towards(number):
                pass
            found = self._among_recent(number)
        return found

    def _among_recent(self, number: int) -> tuple[Coded | None, Coded] | None:
        known = {coded.number: coded for coded in self._recent}
        return (known.get(number - 1), known[number]) if number in known else None

    def _towards(self, number: int) -> Iterator[Coded]:
        """Decode up to a frame; the last that comes is that one, if it can be decoded at all."""
        last = self._recent[-1].number if self._recent else -1
        if last == number:
            yield self._recent[-1]
            return
        if last < 0 or last >= number or (number - last > NEAR and self._entry(number) > last):
            self._begin_at(number)
        if self._pictures is None:
            return
        for coded in self._pictures:
            self._recent.append(coded)
            yield coded
            if coded.number >= number:
                return
        self._rewind()

    def _entry(self, number: int) -> int:
        """The number of the frame from which decoding would begin for another one."""
        table = self._table
        if not table.ordered or not 0 <= number < len(table.shown):
            return 0
        return int(table.ranks[table.entry(float(table.shown[number]))])

    def _begin_at(self, number: int) -> None:
        """Open the file anew, so that the next pictures lead to a frame."""
        self._rewind()
        table = self._table
        start = 0.0
        if table.ordered and 0 <= number < len(table.shown):
            # One frame earlier: what a codec copied is told from the frame before.
            start = max(0.0, float(table.shown[max(0, number - 1)] - table.shown[0]))
        self._container = opened(self.path)
        stream = picture_stream(self._container, self.path)
        stream.codec_context.options = {"export_side_data": "venc_params"}
        self._pictures = decoded(self._container, stream, table, start, DamageWatch(table, stream.codec_context.name))


class PicturePlayer:
    """Pictures of a folder by their numbers, in the order of a run; see :class:`ClipPlayer`.

    Args:
        folder: with the pictures, or the file of one.

    Raises:
        NoFramesError: no picture is there.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = survey([folder]).pictures
        self._last: tuple[int, Frame] | None = None
        self.strip = None
        """Nothing is made before it is asked for: whoever looks at single pictures waits for each."""
        image = self.frame(0).image
        names = tuple(shown(path, whole=False) for path in self._paths)
        self.sheet = Sheet(
            "pictures",
            len(names),
            image.shape[1],
            image.shape[0],
            (None,) * len(names),
            tuple(range(len(names))),
            names,
        )

    def close(self) -> None:
        """Forget the last picture."""
        self._last = None

    def frame(self, number: int) -> Frame:
        """A picture as a run would read it; of a file with several pages the first.

        Raises:
            NoFramesError: there is none of that number, or it cannot be read.
        """
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        if not 0 <= number < len(self._paths):
            raise NoFramesError(f"there is no picture {number}; there are {len(self._paths)}, from 0")
        frame = next(picture_frames([self._paths[number]], 1, Findings(), silent))
        self._last = number, frame
        return frame

    def preview(self, number: int, width: int) -> bytes:
        """A picture scaled down by area to at most ``width``, as JPEG."""
        image = to_uint8(self.frame(number).image)
        factor = min(1.0, width / max(image.shape[:2]))
        if factor < 1:
            size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        return jpeg_bytes(image, QUALITY)

    def near(self, number: int, width: int) -> tuple[int, bytes]:
        """The picture itself, see :meth:`ClipPlayer.near`: no other is read sooner."""
        return number, self.preview(number, width)


Player = ClipPlayer | PicturePlayer


def player(path: Path) -> Player:
    """A player for a video, or a folder of pictures.

    Raises:
        NoFramesError: it is neither.
    """
    found = survey([path])
    return PicturePlayer(path) if found.video is None else ClipPlayer(found.video)
