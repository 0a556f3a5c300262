"""The bench: the same damage whatever else is measured, every method on the same files, and no sequence stops it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mfrec.bench.run import PLAIN, bench, commit, evenly, film_sequences, measure, run_sequence, spoil, truth_face
from mfrec.bench.scores import SequenceResult
from mfrec.camera.protocols import PROTOCOLS
from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.imageio.sequences import chosen_person, find_sequences

QUICK = ("bicubic", "unregistered")


@pytest.fixture(scope="session")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three truth sequences of the portrait, said to be of two persons; never written to."""
    from PIL import Image
    from skimage.data import astronaut

    root = tmp_path_factory.mktemp("sequences")
    for number in range(1, 4):
        folder = root / f"seq_{number}"
        folder.mkdir()
        rng = np.random.default_rng(number)
        for i in range(7):
            x, y = rng.integers(-6, 7, 2)
            crop = Image.fromarray(astronaut()).rotate(
                float(rng.uniform(-3, 3)), Image.Resampling.BICUBIC, center=(222, 106)
            )
            crop.crop((130 + x, 14 + y, 314 + x, 198 + y)).resize((256, 256), Image.Resampling.BICUBIC).save(
                folder / f"{i}.png"
            )
    (root / "sequences.csv").write_text("seq,person,other\nseq_1,ann,x\nseq_2,ann,y\nseq_3,bob,z\n")
    return root


@pytest.fixture
def folder(filmed: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(filmed, tmp_path / "sequences"))


def untimed(result: SequenceResult) -> SequenceResult:
    return replace(result, scores={name: replace(score, seconds=0.0) for name, score in result.scores.items()})


# --- which sequences -----------------------------------------------------------------------------------------


def test_sequences_come_in_natural_order_with_their_person(tmp_path: Path) -> None:
    for name in ("seq_10", "seq_9", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.JPG").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "sequences.csv").write_text("person,seq\nÅsa,seq_9\n", encoding="utf-8")
    found = find_sequences(tmp_path)
    assert [(s.name, s.person) for s in found] == [("other", "other"), ("seq_9", "Åsa"), ("seq_10", "seq_10")]


def test_a_table_may_have_the_name_of_its_folder(tmp_path: Path) -> None:
    """Or people would be split by the names of their folders, and one person be on both sides."""
    root = tmp_path / "long"
    (root / "seq_1").mkdir(parents=True)
    (root / "seq_1" / "0.png").touch()
    assert find_sequences(root)[0].person == "seq_1"
    (root / "long.csv").write_text("seq,person\nseq_1,ann\n")
    assert find_sequences(root)[0].person == "ann"
    (root / "sequences.csv").write_text("seq,person\nseq_1,bob\n")
    assert find_sequences(root)[0].person == "bob"


def test_one_folder_of_frames_is_one_sequence(filmed: Path) -> None:
    (found,) = find_sequences(filmed / "seq_3")
    assert (found.name, found.person, found.folder) == ("seq_3", "bob", filmed / "seq_3")


def test_folds_part_the_people_and_do_not_depend_on_each_other() -> None:
    people = [f"person {i}" for i in range(500)]
    folds = [[p for p in people if chosen_person(p, f"{k}/5")] for k in range(5)]
    assert sorted(person for fold in folds for person in fold) == sorted(people)
    assert all(70 < len(fold) < 130 for fold in folds)
    for person in people:
        assert chosen_person(person, "all")
        assert chosen_person(person, "even") != chosen_person(person, "odd")
        assert chosen_person(person, "even") == chosen_person(person, "0/2")


def test_a_split_keeps_all_sequences_of_a_person_together(filmed: Path) -> None:
    for people in ("0/3", "1/3", "2/3", "even", "odd"):
        try:
            persons = [s.person for s in find_sequences(filmed, people)]
        except InputError as error:
            assert "leaves nobody of 2 people" in str(error)
            continue
        assert persons.count("ann") in (0, 2)


@pytest.mark.parametrize("people", ["half", "5/5", "1/0", "-1/2", "1/2/3", ""])
def test_a_split_that_cannot_be_is_refused(people: str) -> None:
    with pytest.raises(UsageError, match="all, final, even, odd, or K/N"):
        chosen_person("ann", people)


def test_folders_without_sequences_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder of sequences at"):
        find_sequences(tmp_path / "missing")
    with pytest.raises(NoFramesError, match="holds no folder with pictures"):
        find_sequences(tmp_path)
    (tmp_path / "seq_1").mkdir()
    (tmp_path / "seq_1" / "0.png").touch()
    (tmp_path / "sequences.csv").write_text("sequence,person\nseq_1,ann\n")
    with pytest.raises(InputError, match="without seq"):
        find_sequences(tmp_path)


def test_the_portrait_is_filmed_as_sequences_of_seven_frames(tmp_path: Path) -> None:
    film_sequences(tmp_path, 2)
    first, second = find_sequences(tmp_path)
    assert [(s.name, s.person) for s in (first, second)] == [("seq_1", "astronaut"), ("seq_2", "astronaut")]
    assert sorted(path.name for path in first.folder.iterdir()) == [f"{i}.png" for i in range(7)]
    faces = [truth_face(spoil(sequence, "cctv64", 0).truth) for sequence in (first, second)]
    assert all(face is not None for face in faces)
    assert (first.folder / "3.png").read_bytes() != (second.folder / "3.png").read_bytes()


# --- the damage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_damage_depends_on_seed_protocol_and_name_alone(filmed: Path, folder: Path, protocol: str) -> None:
    sequence = find_sequences(filmed)[1]
    alone = spoil(sequence, protocol, seed=3)
    moved = spoil(find_sequences(folder / "seq_2")[0], protocol, seed=3)
    assert alone.files == moved.files
    assert alone.drawn == moved.drawn
    assert alone.files != spoil(sequence, protocol, seed=4).files
    assert alone.files != spoil(replace(sequence, name="seq_7"), protocol, seed=3).files


def test_frames_of_another_size_are_refused(folder: Path) -> None:
    from PIL import Image

    Image.new("RGB", (128, 100)).save(folder / "seq_1" / "4.png")
    with pytest.raises(InputError, match=r"'4\.png' has 128 x 100 px, expected 256 x 256"):
        spoil(find_sequences(folder)[0], "jpeg32", 0)


# --- measuring -----------------------------------------------------------------------------------------------


def test_the_truth_is_nearest_to_itself(filmed: Path) -> None:
    spoilt = spoil(find_sequences(filmed)[0], "jpeg32", 0)
    face = truth_face(spoilt.truth)
    assert face is not None
    perfect = measure(spoilt.truth, spoilt.truth, face, 0.0)
    assert (perfect.psnr, perfect.identity) == (float("inf"), 0.0)
    assert perfect.ssim == pytest.approx(1.0)
    noisy = np.clip(spoilt.truth + np.random.default_rng(0).normal(0, 0.1, spoilt.truth.shape), 0, 1).astype(np.float32)
    worse = measure(noisy, spoilt.truth, face, 0.0)
    assert worse.psnr < 25
    assert worse.identity is not None
    assert worse.identity > 0.05


def test_without_a_face_there_is_no_identity() -> None:
    grey = np.full((128, 128, 3), 0.5, np.float32)
    assert truth_face(grey) is None
    assert measure(grey, grey * np.float32(0.9), None, 0.0).identity is None


# --- runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [None, 1, 2, 5, 7, 100])
def test_what_a_limit_leaves_is_spread_and_never_the_same_twice(limit: int | None) -> None:
    chosen = evenly(range(7), limit)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(7, limit or 7)
    assert chosen[0] == 0 and np.ptp(np.diff([*chosen, 7])) <= 1


def test_a_limit_spreads_and_does_not_change_the_figures(filmed: Path) -> None:
    every = bench(filmed, ["jpeg32"], QUICK, seed=1)
    assert [r.sequence for r in every.results] == ["seq_1", "seq_2", "seq_3"]
    assert not any(r.errors for r in every.results)
    some = bench(filmed, ["jpeg32"], QUICK, seed=1, limit=2)
    kept = [r.sequence for r in some.results]
    assert len(kept) == 2
    assert [untimed(r) for r in some.results] == [untimed(r) for r in every.results if r.sequence in kept]


def test_processes_change_nothing_but_the_time(filmed: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    many = bench(filmed, ["patch32"], QUICK, limit=2, jobs=2, progress=lambda *now: shown.append(now))
    one = bench(filmed, ["patch32"], QUICK, limit=2)
    assert [untimed(r) for r in many.results] == [untimed(r) for r in one.results]
    assert shown == [("bench", i, 2) for i in range(3)]


def test_a_clip_is_read_in_the_order_of_its_frames(filmed: Path) -> None:
    result = run_sequence(find_sequences(filmed)[0], "cctv64", QUICK, 0)
    assert result.errors == {}
    assert result.truth == (256, 256)
    assert result.scores["bicubic"].psnr > result.scores["unregistered"].psnr > 15


def test_a_broken_sequence_is_recorded_and_the_others_go_on(folder: Path) -> None:
    frame = folder / "seq_2" / "3.png"
    frame.write_bytes(frame.read_bytes()[:200])
    result = bench(folder, ["jpeg32"], QUICK)
    assert [bool(r.errors) for r in result.results] == [False, True, False]
    assert "3.png" in result.results[1].errors["sequence"]
    assert result.summaries("jpeg32")[0].failed == 1
    assert "failed: sequence on seq_2: InputError" in result.table()


def test_originals_are_not_touched(folder: Path) -> None:
    before = {path: (path.read_bytes() if path.is_file() else None) for path in folder.rglob("*")}
    bench(folder, ["jpeg32"], QUICK, limit=1)
    assert {path: (path.read_bytes() if path.is_file() else None) for path in folder.rglob("*")} == before


def test_unknown_names_and_numbers_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown protocol 'jpeg16'; known are jpeg32, cctv64, patch32, exports"):
        bench(tmp_path, ["jpeg16"], QUICK)
    with pytest.raises(UsageError, match="no recipe 'evidense'; did you mean 'evidence'"):
        bench(tmp_path, ["jpeg32"], ["evidense"])
    with pytest.raises(UsageError, match="limit of 0"):
        bench(tmp_path, ["jpeg32"], QUICK, limit=0)
    with pytest.raises(UsageError, match="0 jobs"):
        bench(tmp_path, ["jpeg32"], QUICK, jobs=0)


def test_a_method_that_fails_is_recorded_beside_those_that_do_not(filmed: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "gone.toml"
    result = run_sequence(find_sequences(filmed)[0], "jpeg32", ("bicubic", str(recipe)), 0)
    assert "UsageError" in result.errors[str(recipe)]
    assert set(result.scores) == {"bicubic"}


@pytest.mark.slow
def test_evidence_and_the_registered_alternatives_run_on_the_portrait() -> None:
    result = bench(None, ["jpeg32"], (*PLAIN, "evidence"), limit=2)
    assert not any(r.errors for r in result.results)
    rows = {row.method: row for row in result.summaries("jpeg32")}
    assert list(rows) == [*PLAIN, "evidence"]
    assert (rows["evidence"].psnr_gain or 0) > (rows["mean"].psnr_gain or 0) > (rows["unregistered"].psnr_gain or 0)
    assert result.source == "the astronaut portrait, filmed"


def test_a_commit_is_dirty_where_what_runs_differs_and_not_where_a_document_does(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        names = ["-c", "user.name=N", "-c", "user.email=n@localhost"]
        command = ["git", "-C", str(tmp_path), *names, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert commit(tmp_path) is None
    for folder in ("mfrec", "models", "weights", "docs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("first")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    head = git("rev-parse", "HEAD")
    (tmp_path / "docs" / "file").write_text("second")
    assert commit(tmp_path) == head
    (tmp_path / "models" / "file").write_text("second")
    assert commit(tmp_path) == f"{head}-dirty"
