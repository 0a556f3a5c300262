"""Two pieces of work at a time: what arrives, what is shown, and what happens when one of them fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import cv2
import pytest
import scipy.linalg  # noqa: F401  (loads the BLAS whose threads are counted)
from threadpoolctl import threadpool_info, threadpool_limits

from mfrec.runtime.threads import Aside, ahead, one_thread, shared_out, side_by_side


def test_the_numbers_of_threads_are_lowered_and_restored() -> None:
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before = cv2.getNumThreads()
    with threadpool_limits(2, "blas"):
        assert threads() == {2}
        with one_thread():
            with one_thread():
                pass
            assert cv2.getNumThreads() == 1
            assert all(pool["num_threads"] == 1 for pool in threadpool_info())
        assert (cv2.getNumThreads(), threads()) == (before, {2})


def test_the_work_runs_beside_and_its_progress_shows_once_it_is_waited_for() -> None:
    seen: list[tuple[str, int, int]] = []
    met, go_on = threading.Event(), threading.Event()
    with Aside(lambda *step: seen.append(step)) as aside:

        def work(number: int) -> int:
            aside.progress("aside", 0, 2)
            met.set()
            assert go_on.wait(10)
            aside.progress("aside", 1, 2)
            return number + 1

        wait = aside.start(partial(work, 41))
        assert met.wait(10)  # it runs although nobody waits for it yet
        threading.Timer(0.05, go_on.set).start()
        assert wait() == 42
    assert seen == [("aside", 1, 2)]


def test_what_the_work_raises_is_raised_where_it_is_waited_for() -> None:
    def work() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"), Aside(lambda *_: None) as aside:
        aside.start(work)()


def test_an_interrupt_ends_the_work_beside_at_its_next_step() -> None:
    steps: list[int] = []
    begun = threading.Event()

    def work(report: Callable[[str, int, int], None]) -> None:
        for step in range(10_000):
            report("aside", step, 10_000)
            steps.append(step)
            begun.set()
            time.sleep(0.001)

    def interrupted() -> None:
        with Aside(lambda *_: None) as aside:
            aside.start(partial(work, aside.progress))
            assert begun.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    done = len(steps)
    assert 0 < done < 10_000
    time.sleep(0.02)
    assert len(steps) == done  # nobody is left at work


def squared_side_by_side() -> tuple[list[int], int]:
    """The squares of the numbers below 7, of which the later take less time, and how many were worked on at once."""
    running, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01 * (7 - number))
        with lock:
            running -= 1
        return number * number

    return list(side_by_side(work, range(7))), most


def test_items_are_shared_out_evenly_in_their_order() -> None:
    for count in (0, 1, 2, 3, 7, 16, 17, 100):
        for most in (1, 4, 16):
            parts = shared_out(range(count), most)
            assert [item for part in parts for item in part] == list(range(count))
            sizes = [len(part) for part in parts]
            assert max(sizes, default=0) <= most
            assert max(sizes, default=0) - min(sizes, default=0) <= 1
            assert count < 2 or most == 1 or len(parts) % 2 == 0


def test_side_by_side_keeps_the_order_and_is_never_more_than_two() -> None:
    assert squared_side_by_side() == ([n * n for n in range(7)], 2)


def test_side_by_side_is_one_at_a_time_while_other_work_runs_beside() -> None:
    go_on = threading.Event()
    with Aside(lambda *_: None) as aside:
        wait = aside.start(partial(go_on.wait, 10))
        assert squared_side_by_side()[1] == 1
        threading.Timer(0.02, go_on.set).start()
        assert wait()
        assert squared_side_by_side()[1] == 2
    assert Aside.busy == 0


def test_side_by_side_takes_items_when_they_are_needed() -> None:
    taken: list[int] = []
    results = side_by_side(lambda number: number + 1, (taken.append(i) or i for i in range(100)))
    assert [next(results) for _ in range(4)] == [1, 2, 3, 4]
    assert len(taken) == 6  # two are worked on beside those that were given


def test_side_by_side_starts_nothing_more_after_a_failure() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.02)
        if number == 1:
            raise ValueError("broken")
        return number

    with pytest.raises(ValueError, match="broken"):
        list(side_by_side(work, range(100)))
    assert len(begun) < 10


def test_what_is_made_ahead_comes_in_order_and_stops_with_the_caller() -> None:
    made = []

    def numbers() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    taken = ahead(numbers(), 2)
    assert [next(taken) for _ in range(5)] == [0, 1, 2, 3, 4]
    taken.close()  # type: ignore[attr-defined]
    count = len(made)
    assert 5 <= count <= 7, "the one in the making counts too: it may be a large picture"
    time.sleep(0.05)
    assert len(made) == count, "nobody makes more for a caller who left"
    assert list(ahead(iter(range(50)), 2)) == list(range(50))


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("no second one")

    taken = ahead(broken())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="no second one"):
        next(taken)
