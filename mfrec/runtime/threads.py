"""One thread for each piece of work, and two pieces of work at a time."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from types import TracebackType
from typing import ClassVar, TypeVar

from mfrec.pipeline import Progress
from mfrec.runtime.memory import one_arena

S = TypeVar("S")
T = TypeVar("T")


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV and the linear algebra of NumPy work with one thread inside of the block.

    A sum over a matrix is rounded differently when two threads share it, and on pictures this small a second one costs
    more than it brings: OpenBLAS's threads wait for each other by spinning, which on busy cores took 14 seconds of
    processor time for what one thread does in 0.4. What the caller had set is restored. The numbers belong to the whole
    process: work that runs :class:`Aside` begins and ends inside of one such block. A whole function works with one
    thread as ``@one_thread()``.
    """
    import cv2
    from threadpoolctl import threadpool_limits

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(threads)


def side_by_side(work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """What ``work`` makes of each item, in their order, two at a time.

    Each is done by one thread alone, so the bits are those of doing one after the other. Items are taken when they are
    needed, one beside the two that are worked on. When the caller stops early, or one of them fails, only the two that
    are running are waited for. One at a time where this begins while :class:`Aside` has work beside: a third one would
    take memory and no less time.
    """
    one_arena()
    pool = ThreadPoolExecutor(1 if Aside.busy else 2, thread_name_prefix="mfrec-beside")
    waiting: deque[Future[T]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def shared_out(items: Sequence[S], most: int) -> list[Sequence[S]]:
    """Items in parts of nearly one size and of ``most`` at most; an even number of parts where there are two items or
    more, so that :func:`side_by_side` has as much for one thread as for the other. Only the number of items decides.
    """
    parts = min(len(items), 2 * -(-len(items) // (2 * most)))
    ends = [len(items) * k // parts for k in range(parts + 1)] if parts else []
    return [items[start:end] for start, end in pairwise(ends)]


def ahead(items: Iterator[T], count: int = 2) -> Generator[T]:
    """The same items, which another thread makes up to ``count`` ahead of the caller.

    Never more than that, the one in the making included: an item may be a picture of hundreds of megabytes. When the
    caller stops early, at most the one in the making is finished.
    """
    ready: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
    room, stopped = threading.Semaphore(count), threading.Event()

    def work() -> None:
        try:
            while True:
                room.acquire()
                if stopped.is_set():
                    return
                ready.put((next(items), None))
        except BaseException as error:  # the end of the items included
            ready.put((None, error))

    one_arena()
    thread = threading.Thread(target=work, name="mfrec-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            room.release()
            yield item  # type: ignore[misc]
            item = None  # not held while the next one is waited for
    finally:
        stopped.set()
        room.release()
        thread.join()


class AbandonedError(Exception):
    """Raised inside work that nobody waits for any more."""


class Aside:
    """Work beside that of the thread that enters: its progress shows once the other one waits for it, and it ends at
    its next report when the other one fails or is interrupted.

    Args:
        progress: of both.

    Attributes:
        busy: how many pieces of work of the process run beside others that do not wait for them.
    """

    busy: ClassVar[int] = 0
    _count: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, progress: Progress) -> None:
        self._shown = progress
        self._waiting, self._abandoned = threading.Event(), threading.Event()
        one_arena()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mfrec-aside")

    def __enter__(self) -> Aside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abandoned.set()
        self._pool.shutdown()

    def start(self, work: Callable[[], T]) -> Callable[[], T]:
        """Begin; the function that is returned waits for what ``work`` returns, or raises what it raises."""
        beside = threading.Lock()

        def alone() -> None:
            if beside.acquire(blocking=False):  # once, whichever comes first: the end or the waiting
                with Aside._count:
                    Aside.busy -= 1

        with Aside._count:
            Aside.busy += 1
        future: Future[T] = self._pool.submit(work)
        future.add_done_callback(lambda _: alone())

        def wait() -> T:
            self._waiting.set()
            alone()
            return future.result()

        return wait

    def progress(self, stage: str, done: int, total: int) -> None:
        """The progress of the work: called by it."""
        if self._abandoned.is_set():
            raise AbandonedError
        if self._waiting.is_set():
            self._shown(stage, done, total)
