"""``mfrec`` in two processes of one training, by the launcher that ``torchrun`` and ``accelerate launch`` call.

It is told to fork: of a process that has imported everything, the two need not import it again.
"""

from __future__ import annotations

from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from mfrec.cli import main


def launch_two() -> None:
    """Run the command of ``sys.argv`` in two processes that share its work.

    Raises:
        ChildFailedError: one of them failed.
    """
    configuration = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=2,
        run_id="two",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        start_method="fork",
        monitor_interval=0.1,
    )
    elastic_launch(configuration, _ended)()


def _ended() -> None:
    """The command, which returns; the launcher takes a process that exits without returning for a lost one."""
    try:
        main()
    except SystemExit as ending:
        if ending.code:
            raise RuntimeError(f"it ended with the exit code {ending.code}") from None
