"""Ablation: the reference stays what it was, and a method is called what it is."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mfrec.bench.ablation import (
    PROBES,
    Ablated,
    AblationResult,
    DrawnAblation,
    ablate,
    altered,
    as_pictures,
    copied,
    decibels,
    draw_ablation,
    probed,
)
from mfrec.bench.run import spoil
from mfrec.camera.protocols import SCALE, Spoilt
from mfrec.errors import UsageError
from mfrec.imageio.sequences import TruthSequence, find_sequences


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sequences of three shifted crops, said to be of two people: the portrait and its mirror image."""
    from skimage.data import astronaut

    root = tmp_path_factory.mktemp("sequences")
    for name, picture in (("a", astronaut()), ("b", astronaut()[:, ::-1])):
        (root / name).mkdir()
        x = 94 if name == "a" else 512 - 94 - 256
        for i in range(3):
            crop = np.ascontiguousarray(picture[i : 256 + i, x + 2 * i : x + 2 * i + 256])
            Image.fromarray(crop).save(root / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def spoilt(sequences: Path) -> Spoilt:
    return spoil(find_sequences(sequences)[0], "jpeg32", 0)


@pytest.fixture
def drawn(spoilt: Spoilt) -> DrawnAblation:
    return draw_ablation(spoilt, np.random.default_rng(0))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_an_ablation_is_made_again_from_its_record(spoilt: Spoilt, drawn: DrawnAblation) -> None:
    read = DrawnAblation.from_json(drawn.to_json())
    assert read == drawn != draw_ablation(spoilt, np.random.default_rng(1))
    first, again = altered(spoilt, None, drawn), altered(spoilt, None, read)
    assert {name: case.files for name, case in first.items()} == {name: case.files for name, case in again.items()}
    assert len(set(drawn.patches.values())) == len(PROBES)
    assert drawn.order == (1, 0, 2), "the stream of random numbers is pinned"
    assert drawn.patches["blurred"].centre == (0.41851321939900077, 0.4214053701466596)


def test_the_reference_is_never_touched(spoilt: Spoilt, drawn: DrawnAblation) -> None:
    foreign = tuple((f"{i}.jpg", bytes([i])) for i in range(3))
    cases = altered(spoilt, foreign, drawn)
    assert list(cases) == ["noise", "copies", "person", "shuffled"]
    kept = spoilt.files[spoilt.reference][1]
    for case in cases.values():
        assert case.files[case.reference][1] == kept
        assert [name for name, _ in case.files] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [data for _, data in cases["copies"].files] == [kept] * 3
    assert [data for _, data in cases["person"].files] == [b"\0", kept, b"\2"]
    assert sorted(data for _, data in cases["shuffled"].files) == sorted(data for _, data in spoilt.files)
    noise = pixels(cases["noise"].files[0][1])
    assert noise.shape == (32, 32, 3) and noise.std() > 30
    assert "person" not in altered(spoilt, None, drawn)


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_damages_one_patch_of_the_reference(spoilt: Spoilt, drawn: DrawnAblation, probe: str) -> None:
    damaged, inside = probed(spoilt, probe, drawn.patches[probe])
    before = pixels(spoilt.files[1][1]).astype(int)
    after = pixels(damaged.files[damaged.reference][1]).astype(int)
    small = inside[::SCALE, ::SCALE]
    assert inside.shape == spoilt.truth.shape[:2]
    assert 0.02 < inside.mean() < 0.12
    assert np.array_equal(before[~small], after[~small])
    changed = np.abs(before - after)[small].mean()
    assert changed > 5
    assert (after[small] == 255).all() == (probe == "white")
    assert damaged.files[0][1] == spoilt.files[0][1], "the others are as they were"
    assert {data for _, data in copied(damaged).files} == {damaged.files[damaged.reference][1]}


def test_a_film_becomes_pictures(sequences: Path) -> None:
    film = spoil(find_sequences(sequences)[0], "cctv64", 0)
    pictures = as_pictures(film)
    assert [name for name, _ in pictures.files] == ["0.png", "1.png", "2.png"]
    assert pixels(pictures.files[0][1]).shape == (64, 64, 3)
    assert as_pictures(pictures) is pictures


def test_methods_are_called_what_they_are(sequences: Path) -> None:
    result = ablate(sequences, "jpeg32", ("bicubic", "unregistered"), limit=1)
    assert [r.errors for r in result.results] == [{}, {}]
    for condition in ("noise", "copies", "person", "shuffled"):
        assert result.cost("bicubic", condition) == 0
    assert [result.filled("bicubic", probe) for probe in PROBES] == [0, 0]
    assert result.verdict("bicubic") == "single-frame"

    cost = {condition: result.cost("unregistered", condition) for condition in ("noise", "person", "shuffled")}
    assert cost["noise"] is not None and cost["noise"] > 3
    assert cost["person"] is not None and cost["person"] > 3
    assert cost["shuffled"] == pytest.approx(0, abs=1e-5)
    filled = result.filled("unregistered", "white")
    assert filled is not None and filled > 3
    table = result.text()
    assert "single-frame" in table and "failed" not in table


def test_the_thesis_s_finding_is_repeated_or_refuted_in_a_sentence() -> None:
    psnr = {
        "mean": {"whole": 30.0, "copies": 28.5, "noise": 20.0},
        "nearest": {"whole": 30.0, "copies": 30.2, "noise": 29.0},
        "bicubic": {"whole": 25.0, "copies": 25.0, "noise": 25.0},
    }
    results = tuple(Ablated(method, "s", values) for method, values in psnr.items())
    found = AblationResult("", "", "all", "jpeg32", 0, tuple(psnr), results)
    assert "repeated by nearest, and refuted by mean (-1.50 dB)" in found.finding
    assert "bicubic" not in found.finding
    assert found.finding in found.text()
    alone = AblationResult("", "", "all", "jpeg32", 0, ("bicubic",), results[2:])
    assert alone.finding == ""


def test_verdicts_follow_the_costs() -> None:
    def verdict(**psnr: float) -> str:
        results = (Ablated("m", "s", {"whole": 30.0, **psnr}),)
        return AblationResult("", "", "all", "jpeg32", 0, ("m",), results).verdict("m")

    assert verdict(copies=29.0, noise=20.0) == "uses its frames"
    assert verdict(copies=29.99, noise=30.01, person=30.0) == "single-frame"
    assert verdict(copies=31.0, noise=20.0) == "gains nothing from its frames"
    assert verdict(copies=30.0, noise=25.0) == "gains nothing from its frames"
    assert verdict(noise=30.0) == "not measured"


def test_one_person_alone_is_said(sequences: Path) -> None:
    result = ablate(sequences / "a", "jpeg32", ("bicubic",))
    assert result.cost("bicubic", "person") is None
    assert "one person only" in result.text()


def test_a_failing_method_is_recorded(sequences: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "no.toml"
    recipe.write_text('name = "no"\nstamp = "ENHANCED"\nstages = ["track"]\n')
    result = ablate(sequences, "jpeg32", (str(recipe),), limit=1)
    assert set(result.results[0].errors) >= {"whole", "noise", "white"}
    assert result.verdict(str(recipe)) == "not measured"
    assert "ends without a picture" in result.text()


def test_refusals(sequences: Path) -> None:
    with pytest.raises(UsageError, match="unknown protocol 'jpeg'"):
        ablate(sequences, "jpeg", ("bicubic",))
    with pytest.raises(UsageError, match="a limit of 0 leaves no sequence"):
        ablate(sequences, "jpeg32", ("bicubic",), limit=0)
    with pytest.raises(UsageError):
        ablate(sequences, "jpeg32", ("no such method",))


def test_decibels() -> None:
    assert decibels(np.full(4, 0.6), np.full(4, 0.5)) == pytest.approx(20)
    assert decibels(np.ones(3), np.ones(3)) == np.inf


def test_somebody_else_is_somebody_else() -> None:
    from mfrec.bench.ablation import somebody_else

    every = [TruthSequence(name, Path(name), person) for name, person in (("1", "a"), ("2", "a"), ("3", "b"))]
    assert somebody_else(every[0], every) == every[2]
    assert somebody_else(every[2], every) == every[0]
    assert somebody_else(every[0], every[:2]) is None
