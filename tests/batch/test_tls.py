"""A scheduler that speaks TLS alone: ``dask://`` reaches it with a certificate of its authority, and with no other."""

from __future__ import annotations

import contextlib
import datetime
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.config as dask_config
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from distributed import LocalCluster, Security

from mfrec.batch.attempt import Limits
from mfrec.batch.cluster import cluster
from mfrec.batch.measuring import evaluate_cases
from mfrec.batch.night import run_batch
from mfrec.errors import UsageError
from mfrec.imageio import png_bytes
from mfrec.types import FloatArray

ROLES = ("client", "scheduler", "worker")


def authority(folder: Path) -> dict[str, Any]:
    """An authority and one certificate of it for every role, as Dask's configuration names them."""
    folder.mkdir()
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "laboratory")])
    root = ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, root_itself: bool) -> bytes:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        made = made.not_valid_after(now + datetime.timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=root_itself, path_length=None), critical=True)
        return made.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    (folder / "ca.pem").write_bytes(certificate(name, root, root_itself=True))
    key = ec.generate_private_key(ec.SECP256R1())
    machine = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "machine")])
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "all.pem").write_bytes(certificate(machine, key, root_itself=False) + key.private_bytes(*plain))
    tls = "distributed.comm.tls"
    return {
        "distributed.comm.require-encryption": True,
        f"{tls}.ca-file": str(folder / "ca.pem"),
        **{f"{tls}.{role}.{part}": str(folder / "all.pem") for role in ROLES for part in ("cert", "key")},
    }


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """A scheduler with one worker, over TLS; ``HOST:PORT``."""
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tls://",
        host="127.0.0.1",
        security=Security(),
        dashboard_address=None,  # pyright: ignore[reportArgumentType] (none at all)
        local_directory=str(folder),
    ) as local:
        assert local.scheduler_address.startswith("tls://127.0.0.1:")
        yield local.scheduler_address.removeprefix("tls://")


def test_a_batch_over_tls(portrait: FloatArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(portrait))
    cases, gather = evaluate_cases([tmp_path / "a.png"], tmp_path / "a.png", metrics=["psnr"])
    ours, others = authority(tmp_path / "ours"), authority(tmp_path / "others")
    with dask_config.set(ours), scheduler(tmp_path) as place:
        made = run_batch(cases, tmp_path / "out", Limits(120.0, 2 << 30), engine=f"dask://{place}", gather=gather)
        assert (made.counts, made.code) == ({"done": 1}, 0) and "equal" in made.table
        monkeypatch.setattr("mfrec.batch.cluster.CONNECT", 1.0)
        plain = dict.fromkeys(ours)
        for engine, configured, says in (
            (f"dask://{place}", others, "no scheduler answers at 'tls"),
            (f"dask://{place}", plain, "no scheduler answers at 'tcp"),
            (f"tls://{place}", plain, "no scheduler answers at 'tls"),
            (f"tcp://{place}", ours, "encryption required .*; give dask://"),
        ):
            with (
                dask_config.set(configured),
                pytest.raises(UsageError, match=says),
                cluster(engine, 1, 1 << 30, tmp_path) as workers,
            ):
                workers.connect()
            # A client that never connected is closed here. In the thread that begins the next one's loop, the
            # collector would wait for a lock that the beginning holds.
            gc.collect()
