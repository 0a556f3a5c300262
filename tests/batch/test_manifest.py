"""Cases from folders, clips, patterns and tables; what is wrong costs its own case and no other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from mfrec.batch.case import Reconstruct, Upscale, from_text, to_text
from mfrec.batch.manifest import bad_name, read_cases
from mfrec.cli.run_options import run_options
from mfrec.cli.shared_options import with_options
from mfrec.cli.upscale_options import upscale_options
from mfrec.errors import UsageError
from mfrec.options import Options
from mfrec.provenance.schema import Arguments
from mfrec.upscale.asked import Asked

ALL = Reconstruct(Arguments(recipe="restore"))


def shown(frames: list[str], *, out: str = typer.Option("", "-o"), options: Options, pdf: bool = False) -> None:
    """A command with the options of ``mfrec reconstruct`` that prints them."""
    assert (out, pdf) == ("/out", True)
    print(json.dumps({"frames": frames, **options.record()}))


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_every_folder_with_pictures_and_every_clip_is_a_case(tmp_path: Path) -> None:
    night, out = tmp_path / "night", tmp_path / "night" / "out"
    touch(night / "cam2" / "1.png", night / "cam10" / "deep" / "1.JPG", night / "cam10" / "b.mp4", night / "notes.txt")
    touch(night / ".hidden" / "1.png", out / "x" / "1.png", night / "old" / "run.json", night / "old" / "evidence.png")
    found = read_cases([str(night)], ALL, out)
    assert [case.name for case in found.cases] == ["cam2", "cam10__b.mp4", "cam10__deep"]
    command = found.cases[1].command
    assert isinstance(command, Reconstruct)
    assert command.arguments.frames == [str(night / "cam10" / "b.mp4")]
    assert found.problems == []


def test_of_several_folders_each_gives_its_name(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "x.mp4", tmp_path / "b" / "x.mp4", tmp_path / "b" / "1.png")
    found = read_cases([str(tmp_path / "[ab]")], ALL, tmp_path / "out")
    assert [case.name for case in found.cases] == ["a__x.mp4", "b", "b__x.mp4"]


def test_an_output_that_is_a_link_to_itself_is_not_followed_for_ever(tmp_path: Path) -> None:
    touch(tmp_path / "door" / "0.png")
    (tmp_path / "loop").symlink_to("loop")
    assert [case.name for case in read_cases([str(tmp_path)], ALL, tmp_path / "loop").cases] == ["door"]


def test_a_name_that_is_no_text_becomes_one(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/n\xffight"
    os.mkdir(folder)  # noqa: PTH102 (bytes)
    touch(Path(os.fsdecode(folder)) / "a:b.mp4")
    (case,) = read_cases([str(tmp_path)], ALL, tmp_path / "out").cases
    assert case.name == "n%ffight__a%3ab.mp4"
    assert from_text(to_text(case.command)) == case.command
    assert isinstance(case.command, Reconstruct)
    assert Path(case.command.arguments.frames[0]).exists()


def test_a_table_says_options_by_case(tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text(
        "\ufeffname,path,start,subject,set,recipe,frames,strict,deinterlace\n"
        "one,clips/1.mp4,1.5,2,fuse.outer=2 align.patch=9,mine.toml,9,true,1\n"
        "two,clips/2.mp4,,,,,,,\n",
        encoding="utf-8",
    )
    one, two = (case.command for case in read_cases([str(table)], ALL, tmp_path / "out").cases)
    assert isinstance(one, Reconstruct)
    assert two == Reconstruct(Arguments(frames=[str(tmp_path / "clips" / "2.mp4")], recipe="restore"))
    assert one.strict and one.arguments == Arguments(
        frames=[str(tmp_path / "clips" / "1.mp4")],
        recipe=str(tmp_path / "mine.toml"),
        settings=["fuse.outer=2", "align.patch=9"],
        start=1.5,
        subject="2",
        most="9",
        deinterlace=True,
    )


def test_the_words_of_a_case_are_what_the_command_line_reads_as_its_options() -> None:
    arguments = Arguments(
        frames=["/a b"],
        recipe="evidence",
        settings=["fuse.outer=2", "x.y='z'"],
        reference="3",
        scale=2,
        crop="face",
        subject="2",
        turn="90",
        start=1.0,
        end=2.5,
        every=3,
        deinterlace=True,
        most="9",
        box="1,2,3,4@5",
        like="/she.jpg",
        without="1,2-3",
        levels=True,
        source=["eyes=3"],
        mask=["eyes=/eyes.png"],
    )
    usual = Arguments(recipe="restore")
    same = [name for name in Options.__dataclass_fields__ if getattr(arguments, name) == getattr(usual, name)]
    assert same == [], "every option is in this test"
    case = Reconstruct(arguments, pdf=True)
    app = typer.Typer()
    app.command()(with_options("options", run_options)(shown))
    done = CliRunner().invoke(app, case.words(Path("/out"))[2:])
    assert done.exit_code == 0, done.output
    assert msgspec.json.decode(done.output, type=Arguments) == case.arguments


def test_an_enlargement_is_a_case_with_options_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").touch()
    table = tmp_path / "cases.csv"
    table.write_text(
        "name,path,window,set,recipe,face,subject\none,1.mp4,5,fuse.outer=2 fuse.inner=3,mine.toml,true,2\n"
        "two,2.mp4,,,,,\nthree,3.mp4,4,,,,\nfour,4.mp4,,fuse.outer=2,,,\n"
    )
    found = read_cases([str(table)], Upscale(Asked(scale=3, crf=20)), tmp_path / "out")
    one, two = (case.command for case in found.cases)
    assert two == Upscale(Asked(scale=3, crf=20), str(tmp_path / "2.mp4"))
    settings = ("fuse.outer=2", "fuse.inner=3")
    assert isinstance(one, Upscale) and one.asked == Asked(
        scale=3, crf=20, window=5, settings=settings, recipe=str(tmp_path / "mine.toml"), face=True, subject="2"
    )
    assert from_text(to_text(one)) == one
    said = [problem.reason for problem in found.problems]
    assert len(said) == 2 and "--window is 4" in said[0] and "--set say how the frames of a window" in said[1]


def test_the_line_of_an_enlargement_says_every_option() -> None:
    asked = Asked(
        method="bicubic",
        scale=3,
        window=5,
        steady=1,
        recipe="restore",
        settings=("fuse.outer=2", "fuse.inner=3"),
        face=True,
        subject="2",
        box="1,2,3,4@5",
        start=1.5,
        end=2.5,
        deinterlace=True,
        crf=20,
        lossless=True,
        device="cpu",
        seed=3,
    )
    same = [name for name in Asked.__dataclass_fields__ if getattr(asked, name) == getattr(Asked(), name)]
    assert same == ["method"], "a window and a method exclude each other"
    app, seen = typer.Typer(), []

    def keep(asked: Asked) -> None:
        seen.append(asked)

    app.command()(with_options("asked", upscale_options)(keep))
    done = CliRunner().invoke(app, Upscale(asked, "/a.mp4").words(Path("/out"))[5:])
    assert done.exit_code == 0 and seen == [asked], done.output
    assert Upscale(Asked(method="enhance"), "/a.mp4").words(Path("/out"))[5:] == ["--method", "enhance"]


def test_what_is_wrong_with_a_row_is_said_and_the_others_are_cases(tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text(
        "name,path,start\na,1.mp4,\nA,2.mp4,\nb,3.mp4,soon\nc,4.mp4\n,5.mp4,\nd,,\n../e,6.mp4,\nledger.sqlite,7.mp4,\n"
        "f,8.mp4,2\n"
    )
    found = read_cases([str(table)], ALL, tmp_path / "out")
    assert [case.name for case in found.cases] == ["a", "f"]
    said = {problem.place: problem.reason for problem in found.problems}
    assert len(said) == 7
    assert "is that of 'cases.csv', line 2 already" in said["'cases.csv', line 3"]
    assert "start" in said["'cases.csv', line 4"] and "float" in said["'cases.csv', line 4"]
    assert "2 cells and the header 3" in said["'cases.csv', line 5"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected at least name and path"),
        ("name,clip\n", "expected at least name and path"),
        ("name,path,colour\n", "'colour' that is no option"),
        ("name,path,path\n", "'path' twice"),
        ('name,path\n"a,b\n', "cannot be read as a table of cases"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(text)
    with pytest.raises(UsageError, match=says):
        read_cases([str(tmp_path / "cases.csv")], ALL, tmp_path / "out")


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing at"):
        read_cases([str(tmp_path / "*.mp4")], ALL, tmp_path / "out")
    with pytest.raises(UsageError, match="no case was found"):
        read_cases([str(tmp_path)], ALL, tmp_path / "out")


@pytest.mark.parametrize("name", ["", ".", ".a", "a/b", "a\nb", "0001", "summary.html", "CASES.csv", " a", "x" * 121])
def test_names_that_no_case_may_have(name: str) -> None:
    assert bad_name(name)
