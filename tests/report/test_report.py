"""The report without a browser: its pictures, its words, what it embeds, and that hostile names stay text."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import re
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_case import NASTY, portrait, reconstruction

from mfrec.errors import UsageError
from mfrec.face.surroundings import thumbnail
from mfrec.image.geometry import resize, similarity_map
from mfrec.imageio import to_uint8
from mfrec.report import pictures, write_report
from mfrec.report.content import IDENTITY, clock, gather, visible
from mfrec.types import Canvas, Dropped, Frame, Overview, Reconstruction, Registration


class Page(html.parser.HTMLParser):
    """What a browser would see: elements, and text by element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    """The page about frames with hostile names."""
    case = reconstruction(names=NASTY, subjects=2)
    text = write_report(case, tmp_path_factory.mktemp("report"))[0].read_text(encoding="utf-8")
    return text, Page(text)


def decoded(uri: str) -> np.ndarray:
    """The picture in a ``data:`` address."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


# ---- pictures ----


def test_colours_are_distinct_and_do_not_depend_on_the_count() -> None:
    assert np.array_equal(pictures.colours(5), pictures.colours(40)[:5])
    assert len(np.unique(pictures.colours(40), axis=0)) == 40


def test_the_first_sixteen_colours_are_clearly_different() -> None:
    from skimage.color import deltaE_ciede2000, rgb2lab

    lab = rgb2lab(pictures.colours(16)[None] / 255.0)[0]
    apart = np.stack([deltaE_ciede2000(lab, np.broadcast_to(one, lab.shape)) for one in lab])
    assert apart[~np.eye(16, dtype=bool)].min() > 15


def test_source_map_shows_the_main_source_and_its_share() -> None:
    weight = np.zeros((3, 2, 2), np.float32)
    weight[1, 0, 0] = 1.0
    weight[:, 0, 1] = (0.25, 0.25, 0.5)
    weight[0, 1, 0] = 0.25
    shown = pictures.source_map(weight)
    palette = pictures.colours(3).astype(float)
    assert shown[0, 0].tolist() == palette[1].tolist()
    assert shown[0, 1].tolist() == np.rint(palette[2] * np.sqrt(0.5)).tolist()
    assert shown[1, 0].tolist() == np.rint(palette[0] * 0.5).tolist()
    assert shown[1, 1].tolist() == [0, 0, 0], "a pixel that no frame saw is black"


def test_who_comes_after_a_frame_that_leads_everywhere_is_shown(tmp_path: Path) -> None:
    weight = np.zeros((3, 20, 20), np.float32)
    weight[0], weight[1], weight[2, :10], weight[2, 10:] = 0.6, 0.3, 0.1, 0.5
    weight /= weight.sum(axis=0)
    assert pictures.dominant(weight) == 0
    after = pictures.source_map(weight, beside=0)
    assert after[0, 0].tolist() == pictures.colours(2)[1].tolist(), "the largest share of the rest is full brightness"
    assert after[19, 0].tolist() == np.rint(pictures.colours(3)[2] * np.sqrt((0.5 / 0.8) / (0.3 / 0.4))).tolist()
    case = reconstruction()
    assert pictures.dominant(case.weight) is None
    assert pictures.dominant(np.ones((1, 4, 4), np.float32)) is None, "one frame alone has nobody after it"
    led = case.weight * np.array([1] * 6 + [1000], np.float32)[:, None, None]
    led = np.divide(led, led.sum(axis=0), out=np.zeros_like(led), where=led.sum(axis=0) > 0)
    leading = replace(case, weight=led)
    page = Page(write_report(leading, tmp_path)[0].read_text(encoding="utf-8"))
    assert "Main source after 0006.jpg" in page.text
    single, double = (pictures.provenance(c, ["x"] * 7).shape[1] for c in (case, leading))
    assert double == single + 384 + 16


@pytest.mark.parametrize(
    ("value", "limit"), [(0, 1), (1, 1), (1.01, 1.5), (2, 2), (6.1, 8), (17, 20), (99, 100), (130, 150)]
)
def test_legends_end_at_round_numbers(value: float, limit: float) -> None:
    assert pictures.round_limit(value) == pytest.approx(limit)


def test_ramp_is_monotone_and_clips() -> None:
    light = pictures.ramp(np.linspace(-1, 2, 100), pictures.UNCERTAIN).astype(float) @ (0.299, 0.587, 0.114)
    assert np.all(np.diff(light) >= 0)
    assert pictures.ramp(np.array([-1.0, 0.0]), pictures.UNCERTAIN).tolist() == [list(pictures.UNCERTAIN[0])] * 2


def still(side: int, scale: int, gain: float = 1.0, offset: float = 0.0) -> Registration:
    """The registration of the reference frame itself."""
    canvas = Canvas(0, 0, side, side, scale)
    return Registration(
        look_up=similarity_map(canvas.from_reference.inverse(), side * scale, side * scale),
        landing=similarity_map(canvas.from_reference, side, side),
        trust=np.ones((side * scale, side * scale), np.float32),
        gain=np.full(3, gain, np.float32), offset=np.full(3, offset, np.float32),
        residual=0.0, displacement=0.0, closure=0.0,
    )  # fmt: skip


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_result_seen_by_the_reference_is_its_area_average(scale: int) -> None:
    image = portrait(24 * scale)
    registration = still(24, scale, gain=0.8, offset=0.1)
    window = pictures.footprint(registration, (24 * scale, 24 * scale))
    assert window is not None and window == (slice(0, 24), slice(0, 24))
    again, seen = pictures.seen_by(image, registration, window)
    expected = (resize(image, 24, 24, interpolation="area") - 0.1) / 0.8
    assert seen.all()
    assert np.abs(again - np.clip(expected, 0, 1)).max() < 1e-4


def test_a_frame_that_sees_the_result_exactly_differs_nowhere() -> None:
    case = reconstruction(1, dropped=False)
    observation = case.track.observations[0]
    small = resize(case.image, 32, 32, interpolation="area")
    exact = replace(observation, frame=replace(observation.frame, image=small))
    comparison = pictures.compare(case.image, exact)
    assert comparison is not None
    assert np.nanmax(np.abs(comparison.difference)) < 0.01
    grey = comparison.difference_map(10.0)
    assert np.ptp(grey.reshape(-1, 3), axis=0).max() <= 1


def test_a_frame_that_misses_the_canvas_is_not_compared() -> None:
    case = reconstruction(1, dropped=False)
    observation = case.track.observations[0]
    registration = observation.registration
    assert registration is not None
    away = replace(observation, registration=replace(registration, landing=registration.landing + 1000))
    assert pictures.compare(case.image, away) is None
    assert pictures.compare(case.image, replace(observation, registration=None)) is None


def in_a_wide_frame(case: Reconstruction, x0: int, y0: int) -> Reconstruction:
    """The same faces at ``(x0, y0)`` of white frames of 160 x 120 px; only the face is registered."""
    observations = []
    for observation in case.track.observations:
        wide = np.ones((120, 160, 3), np.float32)
        wide[y0 : y0 + 32, x0 : x0 + 32] = observation.frame.image
        registration = observation.registration
        assert registration is not None
        registration = replace(registration, look_up=registration.look_up + np.array([x0, y0]), window=(x0, y0))
        frame = replace(observation.frame, image=wide)
        observations.append(replace(observation, frame=frame, registration=registration, regions=None))
    return replace(case, track=replace(case.track, observations=tuple(observations)))


def test_a_small_face_in_a_wide_frame_is_shown_and_not_the_wall_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    case = reconstruction(dropped=False)
    wide = in_a_wide_frame(case, 101, 47)
    monkeypatch.setattr("mfrec.report.content.ATTACHED_PIXELS", 100)
    near, far = gather(case), gather(wide)
    for one, other in zip(near.used, far.used, strict=True):
        assert one.comparison is not None and other.comparison is not None
        assert np.array_equal(one.comparison.given, other.comparison.given)
        assert np.array_equal(one.comparison.again, other.comparison.again)
        assert np.array_equal(one.comparison.difference, other.comparison.difference, equal_nan=True)
        assert one.original is not None and other.original is not None
        assert np.array_equal(one.original, other.original), "the face is attached"
    reference = next(row for row in far.rows if row.state == "reference")
    assert "x 101 to 132, y 47 to 78" in reference.attached
    assert np.array_equal(pictures.consistency(case), pictures.consistency(wide))


def test_difference_has_the_sign_that_the_legend_says() -> None:
    case = reconstruction(1, dropped=False)
    brighter = pictures.compare(np.clip(case.image + 0.1, 0, 1), case.track.observations[0])
    assert brighter is not None
    assert np.nanmean(brighter.difference) > 15
    red = brighter.difference_map(30.0).reshape(-1, 3).mean(axis=0)
    assert red[0] > red[2]


@pytest.mark.parametrize("count", [1, 7, 20])
def test_pictures_are_pictures_for_any_number_of_frames(count: int) -> None:
    case = reconstruction(count, names=NASTY[: min(count, 7)], dropped=False)
    names = [o.frame.name for o in case.track.observations]
    for picture in (pictures.provenance(case, names), pictures.uncertainty(case), pictures.consistency(case)):
        assert picture.dtype == np.uint8
        assert picture.ndim == 3 and picture.shape[2] == 3
        assert min(picture.shape[:2]) > 100 and max(picture.shape[:2]) < 3000
        assert len(np.unique(picture.astype(int) @ (1, 256, 65536))) > 20


def test_provenance_picture_holds_the_map_enlarged_by_a_whole_factor() -> None:
    case = reconstruction()
    page = pictures.provenance(case, [o.frame.name for o in case.track.observations])
    assert np.array_equal(page[40 : 40 + 384 : 3, 16 : 16 + 384 : 3], pictures.source_map(case.weight))


def test_the_followed_person_has_a_heavy_box() -> None:
    box = np.array([5, 5, 20, 25], np.float32)
    seen = Overview(1, "1", np.zeros((40, 60, 3), np.float32), {1: box, 2: box + 25})
    picture = pictures.subjects(seen, [1])
    factor = picture.shape[1] // 60
    assert picture[round(15 * factor), round(5.5 * factor)].max() > 150, "the left side of the followed person's box"
    assert picture[2, 2].max() == 0


def test_characters_without_a_picture_are_written_out() -> None:
    assert visible("a\u202eb\nc\ud800\u200b") == "a\\u202eb\\nc\\ud800\\u200b"
    assert visible("Überwachung 監視 камера 📷 ö.png") == "Überwachung 監視 камера 📷 ö.png"


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.04, "0:00.040"), (59.9996, "1:00.000"), (3725.5, "1:02:05.500")]
)
def test_times_read_like_a_clock(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_every_frame_is_in_the_table_with_its_reason_and_its_numbers() -> None:
    case = reconstruction()
    content = gather(case)
    assert [row.name for row in content.rows] == [f"{i:04d}.jpg" for i in range(8)] + ["notes.png"]
    assert [row.state for row in content.rows].count("reference") == 1
    assert sum(row.share or 0 for row in content.rows) == pytest.approx(1)
    left_out = [row for row in content.rows if row.state == "left out"]
    assert all("stage" in row.why for row in left_out)
    assert left_out[0].original is not None and left_out[1].original is None
    used = content.used[2]
    assert used.consistency == pytest.approx(case.consistency[2] * 255, rel=1e-5)
    assert used.residual == pytest.approx(0.04 * 255)


def test_the_least_consistent_frame_is_one_that_was_compared() -> None:
    """A frame of which no pixel lands on the canvas has no figure, wherever it stands."""
    case = reconstruction()
    for missing in ([0], [4], range(len(case.consistency))):
        known = np.array(case.consistency)
        known[list(missing)] = np.nan
        content = gather(replace(case, consistency=known))
        said = {label: value for label, value, _ in content.facts}["Least consistent"]
        worst = max((c * 255 for c in known if np.isfinite(c)), default=None)
        assert said == "not compared" if worst is None else said.endswith(f": {worst:.1f} grey levels")
        assert [row.consistency is None for row in content.used] == np.isnan(known).tolist()
        assert "nan" not in said


def test_a_file_beside_the_pictures_is_no_frame_that_was_left_out(tmp_path: Path) -> None:
    case = reconstruction()
    track = replace(case.track, dropped=(*case.track.dropped, Dropped("meta <1>.json", "not a picture")))
    case = replace(case, track=track)
    content = gather(case)
    assert [row.state for row in content.rows].count("left out") == 2
    assert content.facts[0][:2] == ("Frames", "7 used, 2 left out, 1 other file, not a picture")
    page = Page(write_report(case, tmp_path, pdf=True)[0].read_text(encoding="utf-8"))
    assert "1 other file, not a picture: meta <1>.json" in page.text


def test_neighbours_that_were_left_out_alike_are_one_line_and_none_is_lost(tmp_path: Path) -> None:
    case = reconstruction(2, dropped=False)

    def gone(index: int, reason: str, name: str = "") -> Dropped:
        return Dropped(name or f"clip.mp4#{index}", reason, index, stage="choose")

    small = [gone(i, f"face of {60 - i} px, quality 1.{i}; 7 others bring more") for i in range(10, 40)]
    unseen = [gone(i, "subject 1 was not found in it") for i in (*range(40, 300), *range(301, 303))]
    stills = [gone(i, "subject 1 was not found in it", f"IMG_{i}.jpg") for i in (303, 304)]
    track = replace(case.track, dropped=(*unseen, *stills, *small))
    content = gather(replace(case, track=track))
    spans = [(group.first.index, group.last.index, group.count) for group in content.left_out]
    assert spans == [(10, 39, 30), (40, 299, 260), (301, 302, 2), (303, 303, 1), (304, 304, 1)]
    assert content.left_out[0].why.startswith("face of 21 to 50 px, quality 1.10 to 1.39; 7 others bring more")
    page = Page(write_report(replace(case, track=track), tmp_path, pdf=True)[0].read_text(encoding="utf-8"))
    assert "40 clip.mp4#40 to #299: 260 frames" in page.text
    assert "in run.json under 'dropped'" in page.text


def test_a_frame_that_gives_most_of_the_picture_is_said_beside_the_count() -> None:
    case = reconstruction(3, dropped=False)
    for shares, words in (([0.2, 0.59, 0.21], ", 59 % of it from one"), ([0.5, 0.25, 0.25], "")):
        weight = np.broadcast_to(np.array(shares, np.float32)[:, None, None], case.weight.shape)
        content = gather(replace(case, weight=weight))
        assert content.title == f"Face reconstruction from 3 frames{words}"
        assert ("alone gives 59 % of the picture" in dict(fact[:2] for fact in content.facts)["Frames"]) == bool(words)


def test_facts_say_what_measured_means_and_how_many_frames_count() -> None:
    case = reconstruction()
    even = replace(case, weight=np.full(case.weight.shape, 1 / 7, np.float32))
    one = np.zeros_like(case.weight)
    one[2] = 1
    for given, expected in ((even, "7.0"), (replace(case, weight=one), "1.0")):
        facts = {label: (value, note) for label, value, note in gather(given).facts}
        assert facts["Effective number of frames"][0] == expected
        assert "balance with the prior" in facts["Measured"][1]


def test_models_and_noise_of_the_record_are_shown(tmp_path: Path) -> None:
    case = reconstruction()
    models = [{"name": "a.safetensors", "sha256": "ab" * 32}, {"name": "b.dat", "bytes": 12, "package": "c 0.3"}]
    used = [{"index": 1, "noise": "mean H.264 quantiser 31.0"}]
    case = replace(case, record={**case.record, "models": models, "used": used})
    page = Page(write_report(case, tmp_path)[0].read_text(encoding="utf-8"))
    for text in ("SHA-256 " + "ab" * 32, "12 bytes, from c 0.3", "noise: mean H.264 quantiser 31.0"):
        assert text in page.text
    assert page.text.count("noise: ") == 1


def test_what_was_left_out_before_it_became_a_frame_still_has_its_recorded_hash() -> None:
    case = reconstruction()
    entry = {"index": 7, "name": "gone.jpg", "sha256": "ab" * 32, "md5": "cd" * 16, "time": 0.28}
    track = replace(case.track, dropped=(Dropped("gone.jpg", "somebody else", 7, "track"),))
    record = {**case.record, "inputs": [*case.record["inputs"], entry]}
    row = next(row for row in gather(replace(case, track=track, record=record)).rows if row.state == "left out")
    assert (row.sha256, row.md5, row.time) == ("ab" * 32, "cd" * 16, "0:00.280")


def test_too_many_pixels_attach_what_the_result_covers_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    case = reconstruction()
    monkeypatch.setattr("mfrec.report.content.ATTACHED_PIXELS", 100)
    rows = gather(case).rows
    assert all(row.attached for row in rows if row.original is not None)
    reference = next(row for row in rows if row.state == "reference")
    assert reference.original is not None and reference.original.shape == (32, 32, 3)
    assert "x 0 to 31" in reference.attached


def test_a_frame_that_was_kept_as_a_small_copy_is_called_that() -> None:
    large = Frame(np.zeros((900, 1600, 3), np.float32), 7, "far.jpg")
    dropped = Dropped("far.jpg", "no face found", 7, "track", thumbnail(large))
    case = reconstruction()
    rows = gather(replace(case, track=replace(case.track, dropped=(dropped,)))).rows
    row = next(row for row in rows if row.name == "far.jpg")
    assert row.original is not None and row.original.shape[1] < 1600
    assert f"a copy of {row.original.shape[1]} x {row.original.shape[0]} px" in row.attached


# ---- the page ----


def test_page_needs_nothing_from_outside(nasty: tuple[str, Page]) -> None:
    text, page = nasty
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            if name in attributes:
                assert attributes[name].startswith(("data:", "#")), (tag, attributes[name][:60])
    assert "url(" not in text and "@import" not in text and "http:" not in text and "https:" not in text


def test_hostile_names_are_shown_as_text_and_make_no_elements(nasty: tuple[str, Page]) -> None:
    text, page = nasty
    for name in NASTY:
        assert visible(name) in page.text
    assert len(page.scripts) == 2, "the data and the one script"
    allowed = {"class", "id", "src", "alt", "width", "height"}
    for tag, attributes in page.elements:
        assert not any(key.startswith("on") for key in attributes), (tag, attributes)
        assert tag not in ("iframe", "object", "embed", "form", "base")
        if tag == "img":
            assert set(attributes) - allowed <= {"data-of", "data-name", "data-sha", "draggable"}, attributes
            assert attributes.get("src", "data:").startswith("data:")
    assert "\u202e" not in text


def test_only_the_named_script_may_run(nasty: tuple[str, Page]) -> None:
    _, page = nasty
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_page_carries_the_label_the_sentence_the_steps_and_the_hashes(nasty: tuple[str, Page]) -> None:
    _, page = nasty
    case = reconstruction(names=NASTY, subjects=2)
    assert page.text.count("ENHANCED") >= 5
    assert " ".join(IDENTITY.split()) in " ".join(page.text.split())
    for step in case.record["steps"]:
        assert step["method"] in page.text
        assert all(reference in page.text for reference in step["literature"])
        assert all(key in page.text for key in step["parameters"])
    for entry in (*case.record["inputs"], *case.record["outputs"].values()):
        assert entry["sha256"] in page.text and entry["md5"] in page.text
    assert case.record["command"] in page.text
    assert case.track.warnings[0] in page.text
    assert case.track.dropped[0].reason in page.text


@pytest.mark.parametrize("stamp", ["RESTORED", "NOT EVIDENCE"])
def test_another_label_is_as_plain_and_the_evidence_picture_comes_with_it(stamp: str, tmp_path: Path) -> None:
    case = reconstruction(3, stamp=stamp)
    case = replace(case, image=np.clip(case.image + 0.05, 0, 1))
    page = Page(write_report(case, tmp_path)[0].read_text(encoding="utf-8"))
    assert page.text.count(stamp) >= 5
    shown = [decoded(a["src"]) for t, a in page.elements if t == "img" and a.get("data-of") == "compare"]
    for picture, image in zip(shown, (case.reference, case.image, case.evidence), strict=True):
        assert np.array_equal(picture, to_uint8(image))
    result = next(a["src"] for _, a in page.elements if a.get("id") == "right").partition(",")[2]
    assert Image.open(io.BytesIO(base64.b64decode(result))).info["Comment"] == stamp


def test_originals_are_embedded_without_loss(nasty: tuple[str, Page]) -> None:
    _, page = nasty
    case = reconstruction(names=NASTY, subjects=2)
    shown = {a["data-name"]: decoded(a["src"]) for t, a in page.elements if t == "img" and "data-name" in a}
    for observation in case.track.observations:
        assert np.array_equal(shown[visible(observation.frame.name)], to_uint8(observation.frame.image))


def test_numbers_under_the_pointer_are_those_of_the_reconstruction(nasty: tuple[str, Page]) -> None:
    _, page = nasty
    case = reconstruction(names=NASTY, subjects=2)
    data = json.loads(page.scripts[0])
    assert [frame["name"] for frame in data["frames"]] == [visible(name) for name in NASTY]
    raw = zlib.decompress(base64.b64decode(data["planes"]))
    pixels = 128 * 128
    assert data["step"] == 1 and len(raw) == (4 + 7) * pixels
    uncertainty = np.frombuffer(raw[: 2 * pixels], "<u2").reshape(128, 128) / 100
    share = np.frombuffer(raw[4 * pixels :], np.uint8).reshape(7, 128, 128) / 255
    assert np.abs(uncertainty - case.uncertainty * 255).max() <= 0.0051
    assert np.abs(share - case.weight).max() <= 0.5 / 255 + 1e-6


def test_numbers_are_thinned_out_when_they_are_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mfrec.report.html.PLANE_BYTES", 20_000)
    page = Page(write_report(reconstruction(), tmp_path)[0].read_text(encoding="utf-8"))
    data = json.loads(page.scripts[0])
    raw = zlib.decompress(base64.b64decode(data["planes"]))
    assert data["step"] > 1 and len(raw) <= 22_000
    assert len(raw) == 11 * data["columns"] * data["rows"]


def test_names_that_are_no_valid_text_do_not_stop_the_report(tmp_path: Path) -> None:
    path = write_report(reconstruction(2, names=("latin\udce9.jpg", "b.jpg"), dropped=False), tmp_path)[0]
    assert "latin\\udce9.jpg" in path.read_text(encoding="utf-8")


def test_record_without_its_optional_parts_is_enough(tmp_path: Path) -> None:
    case = replace(reconstruction(1, dropped=False), record={})
    page = Page(write_report(case, tmp_path)[0].read_text(encoding="utf-8"))
    assert "1 frame" in page.text


def test_same_reconstruction_gives_the_same_bytes_and_the_folder_must_exist(tmp_path: Path) -> None:
    case = reconstruction(3)
    first = write_report(case, tmp_path)[0].read_bytes()
    assert write_report(case, tmp_path)[0].read_bytes() == first
    with pytest.raises(FileNotFoundError):
        write_report(case, tmp_path / "missing")


def test_report_is_quick(tmp_path: Path) -> None:
    case = reconstruction()
    write_report(case, tmp_path)
    times = []
    for _ in range(3):
        start = time.process_time()
        write_report(case, tmp_path)
        times.append(time.process_time() - start)
    assert min(times) < 0.4


def test_importing_the_report_does_not_load_what_only_rendering_needs() -> None:
    code = "import sys, mfrec.report; sys.exit(any(m in sys.modules for m in ('jinja2', 'cv2', 'reportlab', 'PIL')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0


# ---- PDF ----


def test_pdf_says_the_same(tmp_path: Path) -> None:
    pytest.importorskip("reportlab")
    case = reconstruction(names=NASTY, subjects=2)
    html_path, pdf_path = write_report(case, tmp_path, pdf=True)
    assert (html_path.name, pdf_path.name) == ("report.html", "report.pdf")
    data = pdf_path.read_bytes()
    assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) >= 4
    assert len(re.findall(rb"/Subtype\s*/Image", data)) > 25
    assert write_report(case, tmp_path, pdf=True)[1].read_bytes() == data, "the same content gives the same bytes"


def test_pdf_without_reportlab_says_what_to_install_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mfrec.report.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"reportlab.*pip install"):
        write_report(reconstruction(1, dropped=False), tmp_path, pdf=True)
    assert not list(tmp_path.iterdir())
