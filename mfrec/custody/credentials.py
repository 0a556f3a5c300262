"""Pictures with Content Credentials: a C2PA manifest that travels inside of the PNG file.

The specification of the Coalition for Content Provenance and Authenticity, version 2. The manifest says which frames
went in (ingredients, by name and SHA-256; the frames themselves are not in it), what was done (actions: the stages of
the chain with their parameters) and of what kind the picture is (IPTC digital source type). Only a copy carries it: the
picture itself stays as the run wrote it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import c2pa
from cryptography.hazmat.primitives import serialization

from mfrec.custody.embedded import EmbeddedCheck
from mfrec.custody.keys import Identity
from mfrec.custody.trust import Trusted
from mfrec.documents import DocumentError
from mfrec.version import __version__

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"

KINDS = {"ENHANCED": "computationalCapture", "RESTORED": "compositeWithTrainedAlgorithmicMedia"}
"""What a label means in IPTC's words: several frames merged by signal processing, or with what a network has learnt."""

UNTRUSTED = frozenset({"signingCredential.untrusted"})

OUTDATED = frozenset({"signingCredential.expired", "claimSignature.outsideValidity"})
"""What the reader says of a certificate; all else that it calls a failure is about manifest and pixels."""

OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True}}


def add_credentials(
    png: bytes, title: str, made: Mapping[str, Any], record: Mapping[str, Any], identity: Identity
) -> bytes:
    """A copy of a picture with its credentials.

    Args:
        png: as the run wrote it.
        title: its file name.
        made: what of the record has the ``recipe`` and the ``steps`` of this picture: the record, or its ``evidence``.
        record: of the run.
        identity: its document key signs.

    Raises:
        DocumentError: it is no PNG that can carry them.
    """
    hashes = {entry["index"]: entry["sha256"] for entry in record["inputs"]}
    kind = KINDS.get(str(made["recipe"]["stamp"]), "trainedAlgorithmicMedia")
    actions: list[dict[str, Any]] = [{"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE + kind}]
    actions += [
        {
            "action": f"org.mfrec.{step['stage']}",
            "description": step.get("method", ""),
            # As text: C2PA's library takes a list of small numbers for bytes.
            "parameters": {"parameters": json.dumps(step["parameters"], sort_keys=True)},
        }
        for step in made["steps"]
    ]
    manifest = {
        "claim_generator_info": [{"name": "mfrec", "version": __version__}],
        "title": title,
        "format": "image/png",
        "ingredients": [
            {
                "title": entry["name"],
                "format": "application/octet-stream",
                "relationship": "inputTo",
                "description": f"frame {entry['index']}, SHA-256 of its file {hashes.get(entry['index'], 'unknown')}",
            }
            for entry in record["used"]
        ],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": actions}}],
    }
    chain = (identity.document_certificate, identity.root)
    info = c2pa.C2paSignerInfo(
        alg=b"es256",
        sign_cert=b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain),
        private_key=identity.document_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        ta_url=None,
    )
    settings = {"verify": {**OFFLINE["verify"], "verify_trust": False}, "builder": {"thumbnail": {"enabled": False}}}
    out = io.BytesIO()
    try:
        with c2pa.Builder(manifest, context=c2pa.Context.from_dict(settings)) as builder:
            builder.sign(c2pa.Signer.from_info(info), "image/png", io.BytesIO(png), out)
    except c2pa.C2paError as error:
        raise DocumentError(f"it is no PNG that can carry credentials: {error}") from None
    return out.getvalue()


def check_credentials(png: bytes, trusted: Trusted) -> EmbeddedCheck:
    """What the credentials of a picture say, by C2PA's own reader, without a network.

    Raises:
        DocumentError: it carries none that can be read.
    """
    settings: dict[str, Any] = dict(OFFLINE)
    if trusted.people:
        settings["trust"] = {"trust_anchors": trusted.people_pem}
    try:
        with c2pa.Reader("image/png", io.BytesIO(png), context=c2pa.Context.from_dict(settings)) as reader:
            results = reader.get_validation_results() or {}
            active = reader.get_active_manifest() or {}
    except c2pa.C2paError as error:
        raise DocumentError(f"it carries no credentials that can be read: {error}") from None
    signer = active.get("signature_info", {}).get("common_name", "somebody")
    codes = {failure["code"] for failure in results.get("activeManifest", {}).get("failure", [{"code": "none"}])}
    return EmbeddedCheck(
        not codes - UNTRUSTED - OUTDATED, not codes & UNTRUSTED, bool(codes & OUTDATED), f"C2PA credentials by {signer}"
    )
