"""Progress for people: a counter and the time that is left, on a terminal and in a log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mfrec.cli import console
from mfrec.cli.console import Progress, check_working_folder, counter, duration
from mfrec.errors import UsageError


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(console, "time", clock)
    return clock


def test_a_counter_and_the_time_left_are_said_every_ten_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress()
    for second in range(31):
        clock.now = 100.0 + second
        progress("read", second, 60)
    progress("evidence: fuse", 0, 6)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "mfrec: read 1/60 ..."
    assert lines[1:] == [
        "mfrec: read 11/60, 49 s left ...",
        "mfrec: read 21/60, 39 s left ...",
        "mfrec: evidence: fuse 0/6 ...",
    ]


def test_a_slow_beginning_does_not_count_for_the_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    for done, second in enumerate([0, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41]):
        clock.now = 100.0 + second
        progress("read", done, 100)
    # Thirty seconds for the first step and one for each of the others.
    assert capsys.readouterr().err.splitlines() == ["mfrec: read 1/100 ...", "mfrec: read 11/100, 1 min 29 s left ..."]


def test_nothing_is_said_of_what_is_quick(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    clock.now += 0.9
    progress("read", 1, 2)
    assert capsys.readouterr().err == ""


def test_a_program_reads_every_step(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(console.PROGRESS, "lines")
    Progress()("evidence: fuse", 2, 6)
    (line,) = capsys.readouterr().err.splitlines()
    found = console.PROGRESS_LINES.fullmatch(line)
    assert found is not None
    assert found.groups() == ("evidence: fuse", "2", "6")


def test_words_for_times_and_counts() -> None:
    assert [duration(s) for s in (0.2, 40, 125, 4200)] == ["1 s", "40 s", "2 min 5 s", "1 h 10 min"]
    assert [counter(3, 24), counter(3, 0)] == ["3/24", "3"]


@pytest.mark.parametrize(
    ("streams", "code", "said"),
    [
        ("2>&1 | true", 0, ""),  # whoever read has gone
        (">&- 2>&- <&-", 0, ""),
        (">/dev/full", 2, "cannot be written to stdout (No space left on device)"),
        ("2>/dev/full", 0, ""),
    ],
)
def test_streams_that_nobody_reads_or_that_cannot_be_written(
    streams: str, code: int, said: str, tmp_path: Path
) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import time\nfrom mfrec.cli.console import Progress, open_streams, print_line\n"
        "from mfrec.errors import MfrecError\n"
        "open_streams()\ntime.sleep(0.2)\n"
        "try:\n    with Progress() as progress:\n        progress.say('a warning')\n    print_line('a result')\n"
        "except MfrecError as error:\n    progress.say(str(error))\n    raise SystemExit(error.exit_code)\n"
        f"open({str(tmp_path / 'done')!r}, 'w').write('whole')\n"
    )
    line = f"set -o pipefail; {sys.executable} {script} {streams}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert said in done.stderr
    assert code or (tmp_path / "done").read_text() == "whole"


def test_a_working_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_working_folder()
    tmp_path.rmdir()
    with pytest.raises(UsageError, match="the working folder is gone"):
        check_working_folder()
