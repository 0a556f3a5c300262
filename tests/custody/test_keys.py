"""Keys: kept encrypted for their owner, opened by the passphrase alone, and what is said where they are not."""

from __future__ import annotations

import base64
import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from signed_folder import PASSPHRASE, Person, person

from mfrec.custody import keys
from mfrec.custody.keys import find_key, fingerprint, new_identity, open_identity, read_certificates
from mfrec.custody.trust import Trusted, issued, read_trusted, trust
from mfrec.errors import UsageError


def test_the_key_is_for_its_owner_and_encrypted(anna: Person) -> None:
    assert anna.key.stat().st_mode & 0o777 == 0o600
    text = anna.key.read_bytes()
    assert text.count(b"BEGIN ENCRYPTED PRIVATE KEY") == 2
    assert b"BEGIN PRIVATE" not in text
    assert anna.identity.signer == "Anna Müller"
    assert anna.identity.fingerprint == fingerprint(read_certificates(anna.key.with_suffix(".crt"))[0])


def test_openssl_opens_it_with_the_passphrase_alone(anna: Person) -> None:
    for passphrase, opens in ((PASSPHRASE, True), ("another one", False)):
        command = ["openssl", "pkey", "-in", anna.key, "-passin", f"pass:{passphrase}", "-pubout"]
        assert (subprocess.run(command, capture_output=True, check=False).returncode == 0) is opens


def test_the_derivation_is_slow(tmp_path: Path) -> None:
    secret, _ = new_identity("slow", PASSPHRASE, folder=tmp_path)
    done = subprocess.run(["openssl", "asn1parse", "-in", secret], capture_output=True, text=True, check=True)
    assert f"INTEGER           :{600_000:06X}" in done.stdout


def test_a_chain_of_two_levels_by_a_root_that_can_issue_nothing_more(anna: Person, bert: Person) -> None:
    record, document, root = read_certificates(anna.key.with_suffix(".crt"))
    assert issued(record, root)
    assert issued(document, root)
    assert not issued(record, document)
    assert not issued(record, bert.identity.root)
    assert Trusted((root,)).knows(record)
    assert Trusted((record,)).knows(record)
    assert not Trusted((document,)).knows(record)


def test_keys_are_never_written_over(anna: Person) -> None:
    before = anna.key.read_bytes()
    with pytest.raises(UsageError, match="exists and is not replaced"):
        new_identity("anna", PASSPHRASE, folder=anna.key.parent)
    assert anna.key.read_bytes() == before


def spoil_key(key: Path) -> None:
    key.write_bytes(key.read_bytes().replace(b"MI", b"IM"))


def spoil_certificates(key: Path) -> None:
    key.with_suffix(".crt").write_text("nothing")


def spoil_version(key: Path) -> None:
    own = x509.load_pem_x509_certificates(key.with_suffix(".crt").read_bytes())[0].public_bytes(Encoding.DER)
    text = base64.encodebytes(own.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x42", 1))
    key.with_suffix(".crt").write_bytes(b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n")


def take_others(key: Path) -> None:
    other = person(key.parent.parent / "other", "other")
    key.with_suffix(".crt").write_bytes(other.key.with_suffix(".crt").read_bytes())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda key: key.chmod(0o644), "chmod 600"),
        (lambda key: key.unlink(), "take it from your backup, or make a new one: mfrec keys new"),
        (lambda key: key.with_suffix(".crt").unlink(), "the certificates .* cannot be read"),
        (lambda key: key.write_text("nothing"), "does not hold the two encrypted keys"),
        (spoil_key, "does not hold the two encrypted keys"),
        (spoil_certificates, "it holds no certificates as PEM"),
        (spoil_version, "it holds no certificates as PEM"),
        (take_others, "does not hold the certificates of"),
    ],
)
def test_a_spoilt_key_is_a_sentence(change, says: str, tmp_path: Path) -> None:
    key = person(tmp_path / "home").key
    change(key)
    with pytest.raises(UsageError, match=says) as raised:
        open_identity(key, PASSPHRASE)
    assert "\n" not in str(raised.value)


def test_a_wrong_passphrase_is_a_sentence(anna: Person) -> None:
    with pytest.raises(UsageError, match="the passphrase does not open the key"):
        open_identity(anna.key, "seven grey flames")


def test_a_wrong_passphrase_is_one_too_where_the_padding_happens_to_fit(
    anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = keys.serialization.load_pem_private_key

    def no_key(block: bytes, passphrase: bytes | None) -> object:
        if passphrase is None:
            return real(block, passphrase)
        raise ValueError("Could not deserialize key data")

    monkeypatch.setattr(keys.serialization, "load_pem_private_key", no_key)
    with pytest.raises(UsageError, match="the passphrase does not open the key"):
        open_identity(anna.key, "seven grey flames")


def test_names_and_passphrases_that_will_not_do(tmp_path: Path) -> None:
    for name in ("", "../x", "a/b", ".hidden", "a" * 80):
        with pytest.raises(UsageError, match="cannot be called"):
            new_identity(name, PASSPHRASE, folder=tmp_path)
    with pytest.raises(UsageError, match="needs 10 at least"):
        new_identity("x", "short", folder=tmp_path)
    with pytest.raises(UsageError, match="1 to 57 characters"):
        new_identity("x", PASSPHRASE, signer="x" * 60, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_which_key_is_meant(anna: Person, tmp_path: Path) -> None:
    folder = anna.key.parent
    assert find_key(None, folder) == find_key("anna", folder) == find_key(str(anna.key), tmp_path) == anna.key
    with pytest.raises(UsageError, match="make one: mfrec keys new"):
        find_key(None, tmp_path)
    with pytest.raises(UsageError, match="a lost key cannot be made again"):
        find_key("bert", folder)
    (tmp_path / "a.key").touch()
    (tmp_path / "b.key").touch()
    with pytest.raises(UsageError, match="holds 2 keys; name one with --key: a, b"):
        find_key(None, tmp_path)


def test_outside_of_its_time_a_certificate_signs_nothing(anna: Person) -> None:
    certificate = anna.identity.record_certificate
    day = datetime.timedelta(days=1)
    keys.check_valid(certificate, datetime.datetime.now(datetime.UTC))
    with pytest.raises(UsageError, match=r"expired on .* make new keys"):
        keys.check_valid(certificate, certificate.not_valid_after_utc + day)
    with pytest.raises(UsageError, match=r"this computer's clock says .* set the clock"):
        keys.check_valid(certificate, certificate.not_valid_before_utc - day)


def test_whom_a_folder_trusts(anna: Person, bert: Person, tmp_path: Path) -> None:
    assert not read_trusted(anna.trusted_folder).knows(bert.identity.record_certificate)
    for _ in range(2):  # once more changes nothing
        trust(bert.key.with_suffix(".crt"), tmp_path)
    assert read_trusted(tmp_path).knows(bert.identity.record_certificate)
    trust(anna.key.with_suffix(".crt"), tmp_path, time=True)
    found = read_trusted(tmp_path)
    assert not found.knows(anna.identity.record_certificate)
    assert anna.identity.record_certificate in found.time
    with pytest.raises(UsageError, match="is no folder of trusted certificates"):
        read_trusted(tmp_path / "nowhere")
    (tmp_path / "x.crt").write_text("nothing")
    with pytest.raises(UsageError, match=r"x\.crt' cannot be read"):
        read_trusted(tmp_path)
