"""Work that outlives its run: what is finished counts, what is not does not, and nothing else is ever touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from output_folder import contents

from mfrec.errors import UsageError
from mfrec.publication.unfinished import NAME, Unfinished, remove_others, request_key

REQUEST = {"files": [["a", "0" * 64]], "asked": {"scale": 2}}


def with_pieces(target: Path, count: int, request: dict = REQUEST) -> Unfinished:
    work = Unfinished(target, request)
    for number in range(len(work.pieces), count):
        work.part().write_bytes(b"piece %d" % number)
        work.finish(".mp4", {"number": number})
    return work


def folders(target: Path) -> list[Path]:
    return sorted(path for path in target.parent.iterdir() if NAME.fullmatch(path.name))


def test_the_same_request_finds_its_pieces_and_another_does_not(tmp_path: Path) -> None:
    target = tmp_path / "out"
    work = with_pieces(target, 3)
    work.part().write_bytes(b"half of a piece")
    assert work.leave()
    again = Unfinished(target, REQUEST)
    assert [piece.facts["number"] for piece in again.pieces] == [0, 1, 2]
    assert [piece.file.read_bytes() for piece in again.pieces] == [b"piece 0", b"piece 1", b"piece 2"]
    other = Unfinished(target, {**REQUEST, "asked": {"scale": 4}})
    assert other.pieces == [] and other.place != again.place
    assert not other.leave(), "nothing is left where nothing was finished"
    again.discard()
    assert folders(target) == []


def test_a_key_does_not_depend_on_the_order_of_making(tmp_path: Path) -> None:
    assert request_key({"a": [1, 2]}) == request_key({"a": (1, 2)}) != request_key({"a": [2, 1]})


@pytest.mark.parametrize("spoil", ["changed", "missing", "no facts", "facts of another kind"])
def test_a_piece_that_is_not_as_it_was_written_is_made_again(tmp_path: Path, spoil: str) -> None:
    work = with_pieces(tmp_path / "out", 4)
    work.leave()
    file, facts = work.place / "piece-00001.mp4", work.place / "piece-00001.json"
    if spoil == "changed":
        file.write_bytes(b"piece 2")
    elif spoil == "missing":
        file.unlink()
    elif spoil == "no facts":
        facts.unlink()
    else:
        facts.write_text(json.dumps({"file": "../../etc/passwd", "sha256": "0" * 64, "facts": {}}))
    assert len(Unfinished(tmp_path / "out", REQUEST).pieces) == 1


def test_a_live_run_keeps_others_out(tmp_path: Path) -> None:
    work = with_pieces(tmp_path / "out", 1)
    with pytest.raises(UsageError, match="another run makes 'out' by the same command"):
        Unfinished(tmp_path / "out", REQUEST)
    remove_others(tmp_path / "out")
    assert len(folders(tmp_path / "out")) == 1, "nor does anybody remove what it has"
    work.discard()


def test_what_other_commands_left_for_the_name_is_removed_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with_pieces(target, 2, {"other": 1}).leave()
    with_pieces(tmp_path / "elsewhere", 2).leave()
    strange = tmp_path / ".mfrec-0123456789abcdef.unfinished"
    strange.mkdir()
    (strange / "lock").write_text("somebody's")
    (strange / "piece-00000.mp4").write_bytes(b"somebody's")
    mine = with_pieces(target, 1, {"other": 2})
    mine.leave()
    (mine.place / "letter.txt").write_text("somebody's")
    remove_others(target)
    left = folders(target)
    assert strange in left and mine.place in left and len(left) == 3
    assert sorted(path.name for path in mine.place.iterdir()) == ["letter.txt", "lock"]
    assert len(list(strange.iterdir())) == 2


def test_a_link_in_the_place_of_a_piece_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    work = with_pieces(tmp_path / "out", 1)
    (work.place / "piece-00009.mp4").symlink_to(precious)
    work.discard()
    assert precious.read_bytes() == b"mine"
    assert (work.place / "piece-00009.mp4").is_symlink()


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    work = with_pieces(tmp_path / "out", 1)
    work.discard()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.json").write_text("mine")
    work.place.symlink_to(tmp_path / "mine")
    with pytest.raises(NotADirectoryError):
        with_pieces(tmp_path / "out", 1).note("face", 1)
    assert contents(tmp_path / "mine") == {"notes.json": b"mine"}


def test_notes_are_kept(tmp_path: Path) -> None:
    work = with_pieces(tmp_path / "out", 1)
    work.note("face", {"0": [1.0, 2.0]})
    work.note("frames", 7)
    work.leave()
    again = Unfinished(tmp_path / "out", REQUEST)
    assert again.noted("face") == {"0": [1.0, 2.0]} and again.noted("frames") == 7 and again.noted("other") is None
    again.discard()
