"""The credentials of a picture, as C2PA's own reader sees them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import c2pa
import numpy as np
import pytest
from PIL import Image
from signed_folder import Person, result

from mfrec.custody.credentials import add_credentials, check_credentials
from mfrec.documents import DocumentError
from mfrec.provenance.record import read_record


def test_the_reader_trusts_them_and_finds_what_was_done(signed_once: Path, anna: Person) -> None:
    record = read_record(signed_once)
    settings = {"verify": {"verify_trust": True}, "trust": {"trust_anchors": anna.trusted.people_pem}}
    for name, made in (("reconstruction", record), ("evidence", record["evidence"])):
        data = (signed_once / f"{name}.signed.png").read_bytes()
        with c2pa.Reader("image/png", io.BytesIO(data), context=c2pa.Context.from_dict(settings)) as reader:
            assert reader.get_validation_state() == "Trusted"
            manifest = reader.get_active_manifest()
        assert manifest is not None
        assert manifest["title"] == f"{name}.png"
        (actions,) = [one["data"]["actions"] for one in manifest["assertions"] if "actions" in one["label"]]
        assert actions[0]["action"] == "c2pa.created"
        kinds = {"ENHANCED": "computationalCapture", "RESTORED": "compositeWithTrainedAlgorithmicMedia"}
        assert actions[0]["digitalSourceType"].endswith("/" + kinds[made["recipe"]["stamp"]])
        assert [one["action"] for one in actions[1:]] == [f"org.mfrec.{step['stage']}" for step in made["steps"]]
        for action, step in zip(actions[1:], made["steps"], strict=True):
            assert json.loads(action["parameters"]["parameters"]) == step["parameters"]
        assert [one["title"] for one in manifest["ingredients"]] == [used["name"] for used in record["used"]]
        for ingredient, used in zip(manifest["ingredients"], record["used"], strict=True):
            assert record["inputs"][used["index"]]["sha256"] in ingredient["description"]


def test_the_pixels_are_those_of_the_run(signed_once: Path) -> None:
    for name in ("reconstruction", "evidence"):
        made, signed = (np.asarray(Image.open(signed_once / f"{name}{suffix}.png")) for suffix in ("", ".signed"))
        np.testing.assert_array_equal(made, signed)


def test_another_picture_under_the_same_manifest_is_found(signed_once: Path, anna: Person) -> None:
    data = bytearray((signed_once / "evidence.signed.png").read_bytes())
    assert check_credentials(bytes(data), anna.trusted).intact
    data[-40] ^= 1
    assert not check_credentials(bytes(data), anna.trusted).intact


def test_a_picture_without_any(anna: Person) -> None:
    for data in ((result() / "evidence.png").read_bytes(), b"nothing", b""):
        with pytest.raises(DocumentError, match="carries no credentials that can be read"):
            check_credentials(data, anna.trusted)
    record = read_record(result())
    with pytest.raises(DocumentError, match="no PNG that can carry credentials"):
        add_credentials(b"nothing", "x.png", record, record, anna.identity)
