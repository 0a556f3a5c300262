"""A signed folder: every change of it is named, and it is still one that a run can replace and repeat."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from signed_folder import Person, TimeAuthority, copy_of_result, person, result, run

from mfrec.custody.sign import sign_folder, time_stamp_requests
from mfrec.custody.trust import Trusted
from mfrec.custody.verify import Status, Verdict, exit_code, verify_file, verify_folder
from mfrec.errors import UsageError
from mfrec.provenance import rerun as rerun_module
from mfrec.publication.folder import staged

DAY = datetime.timedelta(days=1)

NOW = datetime.datetime.now(datetime.UTC)


def said(verdicts: list[Verdict]) -> dict[str, Status]:
    return {verdict.name: verdict.status for verdict in verdicts}


def test_signing_changes_nothing_and_covers_everything(signed: Path, anna: Person) -> None:
    for path in result().iterdir():
        assert (signed / path.name).read_bytes() == path.read_bytes()
    added = {path.name for path in signed.iterdir()} - {path.name for path in result().iterdir()}
    assert added == {"report.signed.pdf", "reconstruction.signed.png", "evidence.signed.png", "signature-1.json"}
    verdicts = verify_folder(signed, anna.trusted)
    assert said(verdicts) == dict.fromkeys((path.name for path in signed.iterdir()), Status.UNTOUCHED)
    assert exit_code(verdicts) == 0
    assert all("signed by Anna Müller" in verdict.detail for verdict in verdicts)


@pytest.mark.parametrize("name", sorted({path.name for path in result().iterdir()} | {"signature-1.json"}))
@pytest.mark.parametrize("with_signature", [True, False])
def test_one_flipped_bit_anywhere_is_named(
    name: str, with_signature: bool, signed: Path, anna: Person, tmp_path: Path
) -> None:
    """In a signed folder, and in one that has its record alone."""
    out = signed if with_signature else copy_of_result(tmp_path / "out")
    if not (out / name).exists():
        return
    rng = np.random.default_rng(len(name))
    whole = (out / name).read_bytes()
    for offset in {0, len(whole) - 1, int(rng.integers(len(whole)))}:
        spoilt = bytearray(whole)
        spoilt[offset] ^= 1 << int(rng.integers(8))
        (out / name).write_bytes(spoilt)
        verdicts = verify_folder(out, anna.trusted)
        altered = [one.name for one in verdicts if one.status is Status.CHANGED]
        assert altered == [name], f"byte {offset} of {name}"
        assert exit_code(verdicts) == 1
    (out / name).write_bytes(whole)
    assert exit_code(verify_folder(out, anna.trusted)) == (0 if with_signature else 7)


@pytest.mark.parametrize("name", ["report.signed.pdf", "reconstruction.signed.png"])
def test_one_flipped_bit_of_a_copy_that_travels_alone(name: str, signed: Path, anna: Person) -> None:
    whole = (signed / name).read_bytes()
    assert said(verify_file(signed / name, anna.trusted)) == {name: Status.UNTOUCHED}
    assert said(verify_file(signed / name, Trusted())) == {name: Status.UNKNOWN_KEY}
    rng = np.random.default_rng(5)
    # Room that is left for a time stamp at the end of a PDF, and padding in the manifest at the beginning of a PNG, say
    # nothing, and no signature in the file is of them.
    begin = 0 if name.endswith(".pdf") else whole.index(b"IDAT")
    until = len((result() / "report.pdf").read_bytes()) if name.endswith(".pdf") else len(whole)
    for offset in rng.integers(begin, until, 5).tolist():
        spoilt = bytearray(whole)
        spoilt[offset] ^= 1 << int(rng.integers(8))
        (signed / name).write_bytes(spoilt)
        (verdict,) = verify_file(signed / name, anna.trusted)
        assert verdict.status in (Status.CHANGED, Status.UNSIGNED), offset
        assert exit_code([verdict])


def test_added_missing_and_moved(signed: Path, anna: Person) -> None:
    (signed / "notes").mkdir()
    (signed / "notes" / "mine.txt").write_text("mine")
    (signed / "link.png").symlink_to(signed / "evidence.png")
    (signed / "report.html").rename(signed / "report2.html")
    found = said(verify_folder(signed, anna.trusted))
    assert {name for name, status in found.items() if status is Status.ADDED} == {
        "notes/mine.txt",
        "link.png",
        "report2.html",
    }
    assert {name for name, status in found.items() if status is Status.MISSING} == {"report.html"}
    (signed / "evidence.png").unlink()
    (signed / "evidence.png").symlink_to(result() / "evidence.png")  # the same bytes, elsewhere
    assert said(verify_folder(signed, anna.trusted))["evidence.png"] is Status.CHANGED


def test_without_a_signature_it_is_the_record_that_is_asked(tmp_path: Path, anna: Person) -> None:
    out = copy_of_result(tmp_path / "out")
    verdicts = verify_folder(out, anna.trusted)
    assert set(said(verdicts).values()) == {Status.UNSIGNED}
    assert exit_code(verdicts) == 7
    (out / "mine.txt").write_text("mine")
    (out / "evidence.png").unlink()
    found = said(verify_folder(out, anna.trusted))
    assert (found["mine.txt"], found["evidence.png"]) == (Status.ADDED, Status.MISSING)
    with pytest.raises(UsageError, match=r"neither a 'run\.json' nor a signature"):
        verify_folder(anna.key.parent, anna.trusted)


def test_who_takes_the_signature_away_gains_nothing(signed: Path, anna: Person) -> None:
    (signed / "signature-1.json").unlink()
    found = said(verify_folder(signed, anna.trusted))
    assert found["evidence.png"] is Status.UNSIGNED
    assert found["report.signed.pdf"] is Status.ADDED


def test_a_stranger_who_signs_a_forgery_is_unknown(signed: Path, anna: Person, bert: Person, tmp_path: Path) -> None:
    verdicts = verify_folder(signed, bert.trusted)
    assert set(said(verdicts).values()) == {Status.UNKNOWN_KEY}
    assert exit_code(verdicts) == 7
    assert "mfrec keys trust" in verdicts[0].detail
    # A signature that was added says something else of a file: who counts here is heard first.
    forged = copy_of_result(tmp_path / "forged")
    sign_folder(forged, bert.identity)
    text = (forged / "signature-1.json").read_text()
    (signed / "signature-2.json").write_text(text)
    found = said(verify_folder(signed, anna.trusted))
    assert found.pop("signature-2.json") is Status.UNKNOWN_KEY
    assert set(found.values()) == {Status.UNTOUCHED}


def test_two_people_sign_and_each_stands_alone(signed: Path, anna: Person, bert: Person) -> None:
    before = {path.name: path.read_bytes() for path in signed.iterdir()}
    (signed / "notes.txt").write_text("seen by both")
    done = sign_folder(signed, bert.identity, reason="second pair of eyes")
    assert [path.name for path in done.new] == ["signature-2.json"]
    assert all((signed / name).read_bytes() == data for name, data in before.items())
    both = Trusted((*anna.trusted.people, *bert.trusted.people))
    assert set(said(verify_folder(signed, both)).values()) == {Status.UNTOUCHED}
    found = said(verify_folder(signed, anna.trusted))
    assert found.pop("notes.txt") is Status.UNKNOWN_KEY
    assert found.pop("signature-2.json") is Status.UNKNOWN_KEY
    assert set(found.values()) == {Status.UNTOUCHED}


def test_signing_again_with_nothing_new_does_nothing(signed: Path, anna: Person) -> None:
    before = {path.name: path.read_bytes() for path in signed.iterdir()}
    done = sign_folder(signed, anna.identity)
    assert done.new == ()
    assert done.signature.name == "signature-1.json"
    assert {path.name: path.read_bytes() for path in signed.iterdir()} == before


def test_what_is_not_signed(signed: Path, anna: Person, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no record at"):
        sign_folder(tmp_path, anna.identity)
    with pytest.raises(UsageError, match=r"clock says .* the record is of 2026-11-01 .* set the clock"):
        early = person(tmp_path / "early", now=NOW - 4000 * DAY, days=3600)
        sign_folder(copy_of_result(tmp_path / "a"), early.identity, now=NOW - 2000 * DAY)
    with pytest.raises(UsageError, match=r"signature-1\.json is of .* set the clock"):
        begins = anna.identity.record_certificate.not_valid_before_utc
        sign_folder(signed, anna.identity, now=begins + datetime.timedelta(seconds=1))
    (signed / "link").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="'link' cannot be signed: it is a link"):
        sign_folder(signed, anna.identity)
    (signed / "link").unlink()
    (signed / "evidence.png").write_bytes(b"retouched")
    with pytest.raises(UsageError, match=r"is not signed: 'evidence.png' is changed"):
        sign_folder(signed, anna.identity)
    assert not (signed / "signature-2.json").exists()


def test_a_certificate_out_of_its_time(signed: Path, anna: Person) -> None:
    until = anna.identity.record_certificate.not_valid_after_utc
    late = verify_folder(signed, anna.trusted, now=until + DAY)
    assert set(said(late).values()) == {Status.EXPIRED}
    assert "no trusted time stamp" in late[0].detail
    early = verify_folder(signed, anna.trusted, now=NOW - 30 * DAY)
    assert set(said(early).values()) == {Status.NOT_YET_VALID}
    assert "clock is off" in early[0].detail
    assert exit_code(late) == exit_code(early) == 7


def test_a_trusted_time_stamp_outlives_the_certificate(signed: Path, anna: Person, authority: TimeAuthority) -> None:
    requests = time_stamp_requests(signed)
    assert requests.keys() == {"signature-1.tsq", "report.signed.tsq"}
    answers = [authority.answer(request, f"{name}.tsr") for name, request in requests.items()]
    done = sign_folder(signed, anna.identity, answers=answers)
    assert {path.name for path in done.new} == {"signature-1.tsr", "report.stamped.pdf", "signature-2.json"}
    root = Trusted(time=(*_certificates(authority.root),)).time
    trusted = Trusted(anna.trusted.people, root)
    assert exit_code(verify_folder(signed, trusted)) == 0
    found = said(verify_folder(signed, trusted, now=anna.identity.record_certificate.not_valid_after_utc + DAY))
    # The second signature, which brought the answers, has no stamp of its own.
    for name in ("signature-2.json", "signature-1.tsr", "report.stamped.pdf"):
        assert found.pop(name) is Status.EXPIRED
    assert set(found.values()) == {Status.UNTOUCHED}
    without = said(verify_folder(signed, anna.trusted, now=anna.identity.record_certificate.not_valid_after_utc + DAY))
    assert set(without.values()) == {Status.EXPIRED}
    rng = np.random.default_rng(1)
    for name in ("signature-1.tsr", "report.stamped.pdf"):
        whole = (signed / name).read_bytes()
        for offset in rng.integers(0, len(whole), 3).tolist():
            (signed / name).write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
            altered = [one.name for one in verify_folder(signed, trusted) if one.status is Status.CHANGED]
            assert altered == [name]
        (signed / name).write_bytes(whole)
    with pytest.raises(UsageError, match="is there already; an answer is never replaced"):
        sign_folder(signed, anna.identity, answers=answers[:1])


def _certificates(path: Path):
    from mfrec.custody.keys import read_certificates

    return read_certificates(path)


ELSEWHERE = """
import json, sys
opened = []
sys.addaudithook(lambda event, _: opened.append(event) if event.split(".")[0] == "socket" else None)
from pathlib import Path
from mfrec.custody.verify import verify_folder, exit_code
verdicts = verify_folder(Path(sys.argv[1]))
heavy = {"torch", "cv2", "dlib", "av", "PIL", "scipy", "skimage"} & {name.split(".")[0] for name in sys.modules}
connected = [event for event in opened if "connect" in event]
print(json.dumps({"code": exit_code(verdicts), "heavy": sorted(heavy), "connected": connected}))
"""


def test_another_machine_verifies_it_without_networks_of_any_kind(
    signed_once: Path, anna: Person, tmp_path: Path
) -> None:
    """Another home, another path, other times of the files; neither a learnt network nor a socket."""
    home = tmp_path / "other home"
    shutil.copytree(anna.trusted_folder, home / ".config" / "mfrec" / "trusted")
    out = tmp_path / "received" / "from anna"
    shutil.copytree(signed_once, out, copy_function=shutil.copyfile)
    environment = {key: value for key, value in os.environ.items() if key != "XDG_CONFIG_HOME"}
    environment |= {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ELSEWHERE, out]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"code": 0, "heavy": [], "connected": []}


def test_a_signed_folder_is_replaced_as_before(signed: Path) -> None:
    with pytest.raises(UsageError, match="--overwrite"), staged(signed):
        pass
    with staged(signed, overwrite=True) as new:
        (new / "x").write_text("new")
    assert [path.name for path in signed.iterdir()] == ["x"]
    assert [path.name for path in signed.parent.iterdir()] == [signed.name]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda out: (out / "report.signed.pdf").write_bytes(b"other"), "report.signed.pdf"),
        (lambda out: (out / "signature-1.json").write_text("{}"), "signature-1.json|report.signed.pdf|signed.png"),
        (lambda out: (out / "signature-2.json").write_text("mine"), "signature-2.json"),
        (lambda out: (out / "signature-1.tsr").write_bytes(b"mine"), "signature-1.tsr"),
        (lambda out: (out / "notes.txt").write_text("mine"), "notes.txt"),
    ],
)
def test_a_signed_folder_that_holds_something_else_is_not(change, named: str, signed: Path) -> None:
    change(signed)
    before = {path.name: path.read_bytes() for path in signed.iterdir()}
    with pytest.raises(UsageError, match=rf"it holds '.*({named})'"), staged(signed, overwrite=True):
        pass
    assert {path.name: path.read_bytes() for path in signed.iterdir()} == before


def test_notes_that_were_signed_along_are_still_somebody_s(tmp_path: Path, anna: Person) -> None:
    out = copy_of_result(tmp_path / "out")
    (out / "notes.txt").write_text("mine")
    sign_folder(out, anna.identity)
    assert said(verify_folder(out, anna.trusted))["notes.txt"] is Status.UNTOUCHED
    with pytest.raises(UsageError, match=r"it holds 'notes\.txt', which mfrec"), staged(out, overwrite=True):
        pass


def test_a_signed_folder_is_repeated_as_before(signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run itself is replaced by the reconstruction that made the folder; what is compared is as in a real one."""
    monkeypatch.setattr(rerun_module, "_repeat", lambda *_: run())
    found = rerun_module.rerun(signed)
    assert [one.name for one in found.differences if not one.identical] == []
    assert len(found.differences) == len(list(result().iterdir()))


def test_the_documentation_s_own_check_needs_no_mfrec(signed: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "analyst" / "custody.md"
    code = page.read_text(encoding="utf-8").rpartition("```python\n")[2].partition("```")[0]
    assert "mfrec" not in code

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code], cwd=signed, capture_output=True, text=True, check=False)

    sums = check().stdout
    done = subprocess.run(["sha256sum", "-c"], cwd=signed, input=sums, capture_output=True, text=True, check=True)
    assert done.stdout.count(": OK") == len(list(signed.iterdir())) - 1
    text = (signed / "signature-1.json").read_text()
    (signed / "signature-1.json").write_text(text.replace("case 17", "case 18"))
    assert "InvalidSignature" in check().stderr
