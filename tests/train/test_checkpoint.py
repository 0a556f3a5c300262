"""Checkpoints: what was written is read, and what is damaged or foreign is refused without running it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from mfrec.errors import UsageError
from mfrec.train.checkpoint import CHECKPOINT, Checkpoint, load_checkpoint, restoring, save_checkpoint


def example(step: int = 3) -> Checkpoint:
    network = torch.nn.Conv2d(3, 2, 3).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimiser = torch.optim.AdamW(network.parameters())
    network(torch.rand(1, 3, 4, 4)).sum().backward()
    optimiser.step()
    state = network.state_dict()
    return Checkpoint(
        identity="a" * 64,
        step=step,
        total=10,
        round=2,
        seconds=1.5,
        network=state,
        average={name: value.clone() for name, value in state.items()},
        optimiser=optimiser.state_dict(),
        history=[{"step": 2, "psnr": 20.5}],
        smoothed=(0.25, 3),
    )


def test_what_was_saved_is_what_is_read(tmp_path: Path) -> None:
    saved = example()
    save_checkpoint(saved, tmp_path)
    found = load_checkpoint(tmp_path)
    for name in ("identity", "step", "total", "round", "seconds", "history", "smoothed"):
        assert getattr(found, name) == getattr(saved, name)
    for kind in ("network", "average"):
        for name, value in getattr(saved, kind).items():
            other = getattr(found, kind)[name]
            assert torch.equal(value, other)
            assert value.stride() == other.stride()
    assert torch.equal(found.optimiser["state"][0]["exp_avg"], saved.optimiser["state"][0]["exp_avg"])
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave out --resume"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_half_a_file_is_refused(tmp_path: Path, share: float) -> None:
    save_checkpoint(example(), tmp_path)
    data = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(data[: int(share * len(data))])
    with pytest.raises(UsageError, match="begin again with --fresh"):
        load_checkpoint(tmp_path)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    for data in (lambda path: torch.save({"step": Trap()}, path), lambda path: path.write_bytes(pickle.dumps(Trap()))):
        data(tmp_path / CHECKPOINT)
        with pytest.raises(UsageError, match="begin again with --fresh"):
            load_checkpoint(tmp_path)
        assert not (tmp_path / "ran").exists()


def test_a_checkpoint_of_other_fields_is_refused(tmp_path: Path) -> None:
    torch.save({"step": 1}, tmp_path / CHECKPOINT)
    with pytest.raises(UsageError, match="begin again with --fresh"):
        load_checkpoint(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="no limit for the size of files")
def test_the_earlier_checkpoint_stays_where_a_new_one_does_not_fit(tmp_path: Path) -> None:
    import resource
    import signal

    save_checkpoint(example(step=3), tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(UsageError, match="cannot write the checkpoint"):
            save_checkpoint(example(step=4), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert load_checkpoint(tmp_path).step == 3
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("network", [1]),
        ("network", {"a": "no tensor"}),
        ("step", 11),
        ("round", 0),
        ("total", "10"),
        ("seconds", None),
        ("history", {}),
        ("smoothed", [0.5]),
        ("smoothed", (0.5, -1)),
        ("history", [{"psnr": "high"}]),
        ("identity", 1),
    ],
)
def test_what_is_no_training_is_refused(field: str, value: object, tmp_path: Path) -> None:
    values = {name: getattr(example(), name) for name in Checkpoint.__dataclass_fields__}
    torch.save({**values, field: value}, tmp_path / CHECKPOINT)
    with pytest.raises(UsageError, match="begin again with --fresh"):
        load_checkpoint(tmp_path)


def test_weights_of_another_network_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not fit"), restoring(tmp_path):
        torch.nn.Conv2d(3, 3, 3).load_state_dict(example().network)
