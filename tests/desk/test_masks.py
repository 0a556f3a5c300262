"""A mask that was drawn over a frame is the picture that ``--mask`` reads, pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from desk_service import Opened, opened

from mfrec.asked_regions import drawn_mask
from mfrec.face.regions import regions_named


@pytest.fixture
def desk(tmp_path: Path, clip: Path) -> Iterator[Opened]:
    with opened(tmp_path / "cases") as found:
        found.upload(clip)
        yield found


def runs_of(mask: np.ndarray) -> list[int]:
    """As the page counts them: how many are not drawn, how many are, how many are not ..."""
    runs, value = [0], False
    for pixel in mask.ravel():
        if pixel != value:
            runs.append(0)
            value = bool(pixel)
        runs[-1] += 1
    return runs


def test_what_is_drawn_is_what_a_run_takes(desk: Opened) -> None:
    mask = np.zeros((48, 48), bool)
    mask[20:25, 10:38] = True
    mask[0, 0] = mask[-1, -1] = True
    body = {"region": "eyes", "width": 48, "height": 48, "runs": runs_of(mask)}
    for name in ("masks/eyes-01.png", "masks/eyes-02.png"):
        assert desk.client.post(f"{desk.base}/masks", json=body).json() == {"path": name}
        assert np.array_equal(drawn_mask(desk.case.folder / name, regions_named("eyes"), "--mask"), mask)
    wanted = {"options": {"mask": ["eyes=masks/eyes-01.png"], "source": ["eyes=clip.mp4#3"], "reference": "clip.mp4#2"}}
    said = desk.client.post(f"{desk.base}/command", json={"input": "01", "wanted": wanted}).json()["command"]
    assert "--source 'eyes=clip.mp4#3' --mask eyes=masks/eyes-01.png" in said


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"runs": [48 * 48]}, "refused.mask.empty"),
        ({"runs": [0, 48 * 48]}, "refused.mask.empty"),
        ({"runs": [10, 10]}, "refused.mask.size"),
        ({"width": 100_000, "height": 100_000, "runs": [5, 5]}, "refused.mask.size"),
        ({"region": "../eyes"}, "refused.name"),
        ({"runs": [-1, 48 * 48 + 1]}, "refused.request"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(desk: Opened, change: dict, key: str) -> None:
    body = {"region": "eyes", "width": 48, "height": 48, "runs": [100, 100, 48 * 48 - 200], **change}
    assert desk.client.post(f"{desk.base}/masks", json=body).json()["key"] == key
    assert not list((desk.case.folder / "masks").glob("*")) if (desk.case.folder / "masks").exists() else True


def test_a_mask_outside_the_case_is_refused(desk: Opened, tmp_path: Path) -> None:
    (tmp_path / "theirs.png").touch()
    for path in ("../../theirs.png", str(tmp_path / "theirs.png"), "masks/../../theirs.png", "masks/none.png"):
        body = {"input": "01", "wanted": {"options": {"mask": [f"eyes={path}"]}}}
        assert "refused" in desk.client.post(f"{desk.base}/command", json=body).json(), path
        assert desk.client.post(f"{desk.base}/runs", json=body).status_code >= 400
