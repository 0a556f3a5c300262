"""What the page shows of a run is what its files hold, and marks are drawn on copies alone."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from desk_service import Opened, opened
from PIL import Image
from report_case import NASTY, reconstruction

from mfrec.outputs import save
from mfrec.types import Reconstruction


@dataclass
class Shown:
    """A desk with one finished run, and what was written there."""

    desk: Opened
    case: Reconstruction
    folder: Path

    def get(self, path: str, **query: int | str) -> bytes:
        answer = self.desk.client.get(f"{self.desk.base}/runs/0001{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with opened(tmp_path_factory.mktemp("results") / "cases") as desk:
        case = reconstruction(names=NASTY, stamp="RESTORED", subjects=2)
        folder = desk.case.part("runs") / "0001"
        save(case, folder)
        yield Shown(desk, case, folder)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_the_summary_is_that_of_the_record(shown: Shown) -> None:
    found = json.loads(shown.get(""))
    height, width = shown.case.uncertainty.shape
    assert found["stamp"] == "RESTORED" and found["size"] == [width, height]
    assert [used["name"] for used in found["used"]] == [o.frame.name for o in shown.case.track.observations]
    assert set(found["files"]) == {path.name for path in shown.folder.iterdir()}


def test_a_pixel_names_its_frames_with_their_shares(shown: Shown) -> None:
    with np.load(shown.folder / "provenance.npz") as arrays:
        weights = arrays["weight"]
    for x, y in ((0, 0), (30, 90), (100, 70)):
        found = json.loads(shown.get("/pixel", x=x, y=y))
        weight = weights[:, y, x]
        order = np.argsort(-weight, kind="stable")
        assert [frame["position"] for frame in found["frames"]] == [i for i in order if weight[i] >= 0.01]
        assert [frame["share"] for frame in found["frames"]] == pytest.approx(
            sorted(weight[weight >= 0.01])[::-1], abs=1e-4
        )
        assert found["uncertainty"] == pytest.approx(shown.case.uncertainty[y, x] * 255, abs=0.01)
        assert found["observed"] == pytest.approx(shown.case.observed[y, x], abs=1e-4)
    assert shown.desk.client.get(f"{shown.desk.base}/runs/0001/pixel", params={"x": 9999, "y": 0}).status_code == 400


def test_the_maps_lie_on_the_grid_of_the_result(shown: Shown) -> None:
    height, width = shown.case.uncertainty.shape
    for name in ("sources", "observed", "uncertainty"):
        assert pixels(shown.get(f"/maps/{name}")).shape == (height, width, 3)
    share = pixels(shown.get("/maps/share", frame=4))[..., 0] / 255
    assert np.abs(share - shown.case.weight[4]).max() < 0.003
    assert shown.desk.client.get(f"{shown.desk.base}/runs/0001/maps/share", params={"frame": 99}).status_code == 404


def test_a_report_runs_in_a_sandbox_and_files_are_given_as_they_are(shown: Shown) -> None:
    answer = shown.desk.client.get(f"{shown.desk.base}/runs/0001/files/report.html")
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-scripts;" in policy and "allow-same-origin" not in policy and "default-src 'none'" in policy
    assert shown.get("/files/provenance.npz") == (shown.folder / "provenance.npz").read_bytes()
    for name in ("run.json.bak", "notes.txt", "RUN.JSON"):
        assert shown.desk.client.get(f"{shown.desk.base}/runs/0001/files/{name}").status_code == 404


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense"])
def test_a_damaged_result_is_a_sentence(shown: Shown, content: bytes) -> None:
    broken = shown.folder.parent / "0002"
    broken.mkdir(exist_ok=True)
    (broken / "run.json").write_bytes((shown.folder / "run.json").read_bytes())
    (broken / "provenance.npz").write_bytes(content)
    answer = shown.desk.client.get(f"{shown.desk.base}/runs/0002/pixel", params={"x": 1, "y": 1})
    assert answer.status_code == 409 and "provenance.npz" in answer.json()["error"]
    (broken / "run.json").write_text("{}")
    answer = shown.desk.client.get(f"{shown.desk.base}/runs/0002")
    assert answer.status_code == 409 and "states no schema" in answer.json()["error"]


MARKS = [
    {"kind": "arrow", "x0": 5, "y0": 5, "x1": 60, "y1": 60, "text": "<b>scar</b> ü"},
    {"kind": "box", "x0": 90, "y0": 80, "x1": 70, "y1": 100, "colour": "cyan"},
    {"kind": "scale", "x0": 10, "y0": 110, "length": 8},
    {"kind": "text", "x0": 20, "y0": 90, "text": "left eye"},
]


def test_marks_are_drawn_on_a_copy_which_says_what_it_was_made_from(shown: Shown) -> None:
    before = {path.name: path.read_bytes() for path in shown.folder.iterdir()}
    where = f"{shown.desk.base}/runs/0001/notes"
    body = {"picture": "reconstruction.png", "marks": MARKS, "text": "for the file"}
    first, second = (shown.desk.client.post(where, json=body).json()["name"] for _ in range(2))
    assert (first, second) == ("0001-01", "0001-02"), "nothing is replaced"
    assert {path.name: path.read_bytes() for path in shown.folder.iterdir()} == before
    notes = shown.desk.case.folder / "notes"
    assert (notes / "0001-01.png").read_bytes() == (notes / "0001-02.png").read_bytes(), (
        "the same marks, the same bytes"
    )
    kept = json.loads((notes / "0001-01.json").read_text())
    assert kept["sha256"] == hashlib.sha256(before["reconstruction.png"]).hexdigest()
    assert kept["stamp"] == "RESTORED" and len(kept["note"]["marks"]) == 4
    drawn = pixels(shown.desk.client.get(f"{shown.desk.base}/notes/0001-01").content)
    plain = pixels(before["reconstruction.png"])
    factor = drawn.shape[1] // plain.shape[1]
    same = drawn[: plain.shape[0] * factor : factor, ::factor] == plain
    assert 0.8 < same.mean() < 1, "the picture, every pixel as a square, but for the marks"
    corner = drawn[60 * factor + factor // 2, 60 * factor + factor // 2]
    assert tuple(corner) == (255, 214, 10), "the arrow ends where it points"
    assert Image.open(notes / "0001-01.png").info["Comment"] == "RESTORED"


@pytest.mark.parametrize(
    "body",
    [
        {"picture": "../../run.json", "marks": MARKS},
        {"picture": "provenance.png", "marks": MARKS},
        {"picture": "evidence.png", "marks": []},
        {"picture": "evidence.png", "marks": [{"kind": "arrow", "x0": 1e300, "y0": 0}]},
        {"picture": "evidence.png", "marks": [{"kind": "circle", "x0": 1, "y0": 0}]},
        {"picture": "evidence.png", "marks": MARKS * 60},
    ],
)
def test_marks_that_cannot_be_are_refused(shown: Shown, body: dict) -> None:
    answer = shown.desk.client.post(f"{shown.desk.base}/runs/0001/notes", json=body)
    assert answer.status_code == 400 and answer.json()["key"] == "refused.request"


def test_the_figures_are_a_table_to_save(shown: Shown) -> None:
    answer = shown.desk.client.get(f"{shown.desk.base}/runs/0001/figures")
    assert (
        answer.headers["content-type"].startswith("text/csv")
        and "0001-frames.csv" in answer.headers["content-disposition"]
    )
    assert answer.text.count(",used,") + answer.text.count(",reference,") == len(shown.case.record["used"])
    assert shown.desk.client.get(f"{shown.desk.base}/runs/0404/figures").status_code == 404
