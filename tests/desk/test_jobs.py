"""Jobs are child processes: they wait, are cancelled, and go on whatever becomes of the desk that started them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_service import Opened, opened, served

from mfrec.desk.case import Cases
from mfrec.desk.jobs import BEHIND, Jobs, put_behind


@pytest.fixture
def desk(tmp_path: Path, clip: Path) -> Iterator[Opened]:
    with opened(tmp_path / "cases") as found:
        found.upload(clip)
        yield found


def until(met: Callable[[], Any], seconds: float = 300) -> Any:
    """What ``met`` gives once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := met():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def alive(pid: int) -> bool:
    """Whether a process works; one that has ended stays listed until its parent has asked for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def states(desk: Opened) -> dict[str, str]:
    return {job["number"]: job["state"] for job in desk.client.get(desk.base).json()["jobs"]}


def test_a_waiting_job_that_asks_for_something_else_than_its_choices_is_not_begun(desk: Opened, tmp_path: Path) -> None:
    desk.client.post(f"{desk.base}/runs", json={"input": "01", "wanted": {"options": {"scale": 2}}})
    file = desk.case.folder / "jobs" / "0001.json"
    job = json.loads(file.read_text())
    job["words"][3] = str(tmp_path / "elsewhere")
    file.write_text(json.dumps(job))
    later = Jobs(Cases(desk.desk.cases.folder))
    later.start()
    (handle,) = later.of(later.cases.case(desk.case.key))
    until(lambda: handle.job.state == "failed", 20)
    later.stop()
    assert "its own choices" in handle.job.message
    assert not (tmp_path / "elsewhere").exists()


def test_runs_wait_in_their_order_and_a_waiting_one_can_be_cancelled(desk: Opened) -> None:
    for number in ("0001", "0002"):
        answer = desk.client.post(f"{desk.base}/runs", json={"input": "01", "wanted": {"options": {"scale": 2}}})
        assert answer.json()["number"] == number and answer.json()["state"] == "waiting"
        assert (
            answer.json()["command"]
            == f"mfrec reconstruct inputs/01/clip.mp4 -o runs/{number} --scale 2 --pdf --case case.json"
        )
    assert desk.client.post(f"{desk.base}/jobs/0001/cancel").json()["state"] == "cancelled"
    assert states(desk) == {"0001": "cancelled", "0002": "waiting"}
    # Another desk, later, over the same folder.
    later = Jobs(Cases(desk.desk.cases.folder))
    assert [handle.job.state for handle in later.of(later.cases.case(desk.case.key))] == ["waiting", "cancelled"]
    kept = json.loads((desk.case.folder / "jobs" / "0002.json").read_text())
    assert kept["wanted"]["options"] == {"scale": "2"} and kept["words"][:2] == ["reconstruct", "inputs/01/clip.mp4"]


def test_a_number_is_never_given_twice(desk: Opened) -> None:
    (desk.case.folder / "runs").mkdir()
    (desk.case.folder / "runs" / "0041").mkdir()
    answer = desk.client.post(f"{desk.base}/runs", json={"input": "01"})
    assert answer.json()["number"] == "0042"


def test_what_cannot_run_is_refused_before_it_is_queued(desk: Opened) -> None:
    for body, key in (
        ({"input": "07"}, "refused.input"),
        ({"input": "../01"}, "refused.name"),
        ({"input": "01", "wanted": {"options": {"scale": 0}}}, "refused.value"),
        ({"input": "01", "wanted": {"device": "abacus"}}, "refused.request"),
        ({"input": "01", "wanted": []}, "refused.request"),
    ):
        assert desk.client.post(f"{desk.base}/runs", json=body).json()["key"] == key, body
    assert states(desk) == {}


def test_a_job_that_fails_says_why_in_the_words_of_mfrec(tmp_path: Path, clip: Path) -> None:
    with opened(tmp_path / "cases", at_once=1) as desk:
        desk.upload(clip)
        wanted = {"options": {"recipe": "evidence", "start": 100.0}}
        desk.client.post(f"{desk.base}/runs", json={"input": "01", "wanted": wanted})
        (job,) = until(lambda: [j for j in desk.client.get(desk.base).json()["jobs"] if j["state"] == "failed"])
        assert job["message"].startswith("no frame of 'inputs/01/clip.mp4' lies from 100 s to its end")
        assert "error: " in desk.client.get(f"{desk.base}/jobs/0001/log").text
        assert not (desk.case.folder / "runs" / "0001").exists()


def test_a_run_outlives_a_desk_that_is_killed_and_is_cancelled_by_the_next_one(tmp_path: Path, clip: Path) -> None:
    """The first job ends while no desk is there; the second is at work when the next desk comes."""
    cases = tmp_path / "cases"
    with opened(cases) as desk:
        desk.upload(clip)
        desk.client.post(f"{desk.base}/inputs/01/people")
        desk.client.post(f"{desk.base}/runs", json={"input": "01"})
        folder = desk.case.folder

    def state(number: str) -> str:
        return json.loads((folder / "jobs" / f"{number}.json").read_text())["state"]

    with served(cases) as first:
        until(lambda: state("0001") == "running")
        first.kill()
    assert state("0001") == "running", "nobody has written that down"
    until(lambda: b'"people"' in (folder / "jobs" / "0001.out").read_bytes())
    with served(cases) as second:
        until(lambda: state("0001") == "done")
        until(lambda: state("0002") == "running")
        second.kill()
    with served(cases) as third:
        pid = json.loads((folder / "jobs" / "0002.json").read_text())["pid"]
        connection = http.client.HTTPConnection(third.host)
        connection.request("GET", f"/?token={third.token}")
        answer = connection.getresponse()
        answer.read()
        headers = {"Cookie": (answer.getheader("Set-Cookie") or "").partition(";")[0], "Origin": f"http://{third.host}"}
        connection.request("POST", f"/api/cases/{folder.name}/jobs/0002/cancel", b"", headers)
        assert connection.getresponse().status == 200
        until(lambda: state("0002") == "cancelled")
        assert not alive(pid)
    assert list((folder / "runs").iterdir()) == [], "a cancelled run leaves no half-written output"
    assert not list((folder / "jobs").glob("*.lock"))


def test_two_desks_do_not_work_on_one_folder(tmp_path: Path) -> None:
    busy = pytest.raises(AssertionError, match="another desk works on")
    with served(tmp_path / "cases"), busy, served(tmp_path / "cases"):
        pass


def test_the_registered_frames_of_a_run_are_asked_for_with_its_own_choices(desk: Opened) -> None:
    wanted = {"options": {"scale": 2, "reference": "1"}, "seed": 3}
    desk.client.post(f"{desk.base}/runs", json={"input": "01", "wanted": wanted})
    asked = desk.client.post(f"{desk.base}/runs/0001/registered").json()
    source = desk.case.input("01").source
    assert asked["words"] == [
        "stage",
        "align",
        source,
        "-o",
        "runs/0002",
        "--reference",
        "1",
        "--scale",
        "2",
        "--seed",
        "3",
    ]
    assert desk.client.post(f"{desk.base}/runs/0001/registered").json()["number"] == "0002", "asked for once"
    for other in ("0002", "0009"):
        assert desk.client.post(f"{desk.base}/runs/{other}/registered").status_code == 404


def test_a_run_works_behind_the_page() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        try:
            put_behind(process.pid)
            assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + BEHIND)
            group = Path(f"/proc/{process.pid}/autogroup")
            if group.exists():
                assert group.read_text().split()[-2:] == ["nice", str(BEHIND)]
        finally:
            process.kill()
