"""Opening a video file, and which of its streams is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mfrec.errors import NoFramesError
from mfrec.imageio.limits import size_reason
from mfrec.imageio.reading import shown

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,h264,hevc,mpeg,mpegts,mpegvideo,asf,flv,mjpeg,mxf,ogg,dv"
"""What FFmpeg may open. Play lists are not among them: they could make it read other files or the network."""

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".h264", ".264", ".avc", ".h265", ".265", ".hevc"),
    *(".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts", ".wmv", ".asf", ".flv", ".3gp", ".mjpeg", ".mjpg"),
    *(".mxf", ".ogv", ".dv"),
)


def opened(path: Path) -> InputContainer:
    """Open a file for reading with the allowed formats.

    Raises:
        NoFramesError: it cannot be opened as a video.
    """
    import av
    from av.error import FFmpegError

    if path.stat().st_size == 0:
        raise NoFramesError(f"the file '{shown(path)}' is empty (0 bytes); a video or a picture was expected")
    try:
        # The absolute path cannot be taken for a protocol ("concat:x.mp4") nor for an option.
        return av.open(str(path.absolute()), options={"format_whitelist": VIDEO_FORMATS})
    except (FFmpegError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NoFramesError(
            f"'{shown(path)}' is neither a picture nor a video that can be opened ({reason}); "
            "its content is of no known format, or its beginning or index is damaged"
        ) from error


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream of moving pictures that is read: no cover art, and of several the first.

    Raises:
        NoFramesError: there is none, or none of a size that is read.
    """
    from av.stream import Disposition

    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NoFramesError(f"'{shown(path)}' is a {container.format.long_name} file without a picture stream")
    stream = streams[0]
    reason = size_reason(stream.width, stream.height)
    if reason is not None and stream.width:
        raise NoFramesError(f"the video '{shown(path)}' has frames of {reason}")
    return stream


def frame_rate(stream: VideoStream) -> float:
    """Frames per second as the file says or suggests them, 0 where it does neither."""
    return float(stream.average_rate or stream.guessed_rate or 0)
