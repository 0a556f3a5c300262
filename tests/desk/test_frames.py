"""Frames for the page: exact ones as a run reads them, small ones of the frame that they say."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from desk_service import Opened, opened
from PIL import Image
from portrait_clips import CODINGS, moving, write

from mfrec.desk.frames import DRAGGED, Frames
from mfrec.imageio import read, to_uint8
from mfrec.types import FloatArray

COUNT = 70


@dataclass
class Clip:
    """A desk with a clip in it."""

    desk: Opened
    path: Path

    def get(self, frame: int, **query: int) -> tuple[int, bytes, dict[str, str]]:
        answer = self.desk.client.get(f"{self.desk.base}/inputs/01/frames/{frame}", params=query)
        return answer.status_code, answer.content, dict(answer.headers)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, portrait: FloatArray) -> Iterator[Clip]:
    folder = tmp_path_factory.mktemp("frames")
    path = write(folder / "clip.mkv", moving(portrait, COUNT, 64), CODINGS["h264 open"])
    with opened(folder / "cases") as desk:
        desk.upload(path)
        yield Clip(desk, path)


def test_the_true_pixels_are_those_that_a_run_reads_whatever_was_asked_for_ahead(shown: Clip) -> None:
    frames = read(shown.path).frames
    for number in (40, 12, 13):
        for ahead in range(5):
            shown.get(number + ahead, width=320)
        for _ in range(2):
            status, png, headers = shown.get(number)
            assert status == 200 and headers["content-type"] == "image/png"
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), to_uint8(frames[number].image))


def test_a_frame_that_stands_for_another_says_which_it_is(shown: Clip) -> None:
    seen = set()
    for number in (69, 30, 50):
        status, small, headers = shown.get(number, width=320, near=1)
        frame = int(headers["x-frame"])
        assert status == 200 and frame <= number and headers["cache-control"] == "no-store"
        seen.add(frame == number)
        same, exactly, kept = shown.get(frame, width=320)
        assert same == 200 and exactly == small and "max-age" in kept["cache-control"] and "x-frame" not in kept
    assert False in seen, "the nearest key frame came sooner"


def test_whoever_drags_to_and_fro_sees_the_frames_that_are_named_and_more_on_the_way_back(shown: Clip) -> None:
    """Several at once, who go over and back at their own paces, while frames are made ahead."""
    truth = np.stack([to_uint8(frame.image)[::3, ::3].astype(np.int16) for frame in read(shown.path).frames])
    shown.desk.desk.frames.close()
    frames = shown.desk.desk.frames = Frames()

    def drag(pace: int) -> list[set[int]]:
        seen: list[set[int]] = []
        for way in (range(0, COUNT, pace), range(COUNT - 1, -1, -pace)):
            seen.append(set())
            for wanted in way:
                number, jpeg = frames.small(shown.desk.case, "01", wanted, DRAGGED, near=True)
                assert number <= wanted
                picture = np.asarray(Image.open(io.BytesIO(jpeg)))[::3, ::3].astype(np.int16)
                away = np.abs(truth[max(0, number - 3) : number + 4] - picture).mean(axis=(1, 2, 3))
                assert away.argmin() == min(number, 3), f"{number} is another frame"
                seen[-1].add(number)
                time.sleep(0.005)
        return seen

    with ThreadPoolExecutor() as pool:
        for over, back in pool.map(drag, (2, 3, 7)):
            assert len(back) >= len(over) / 2, "what was made on the way is there on the way back"


def test_what_is_not_there_is_refused(shown: Clip) -> None:
    for frame, query in ((COUNT, {}), (COUNT, {"width": 320}), (COUNT, {"width": 320, "near": 1})):
        status, said, _ = shown.get(frame, **query)
        assert status == 404 and f"frame {COUNT} of" in said.decode()
    assert shown.get(0, width=333)[0] == 400


def test_frames_are_made_before_somebody_drags_and_the_thread_ends_with_the_desk(shown: Clip) -> None:
    frames, wanted = shown.desk.desk.frames, COUNT - 2
    for _ in range(200):
        time.sleep(0.05)
        if all(one.complete for one in frames._open.values()):
            break
    status, small, headers = shown.get(wanted, width=DRAGGED, near=1)
    assert status == 200 and headers["x-frame"] == str(wanted), "at once, though nobody has asked for it"
    assert small == shown.get(wanted, width=DRAGGED)[1]
    other = Frames()
    other.sheet(shown.desk.case, "01")
    thread = other._thread
    other.close()
    assert thread is not None and not thread.is_alive()
