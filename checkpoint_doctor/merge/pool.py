"""A few threads that take pieces of work from one iterator, in order, and stop at the first failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S")


def run(pieces: Iterator[T], work: Callable[[T, S], None], state: Callable[[], S], threads: int) -> None:
    """Do all pieces.

    Args:
        pieces: taken one by one, under a lock.
        work: does one piece with its thread's state.
        state: makes a thread's state, for example its buffers.
        threads: 1 works in the calling thread.

    Raises:
        BaseException: the first that `work` or `pieces` raised, KeyboardInterrupt too; no piece is started after it.
    """
    if threads <= 1:
        held = state()
        for piece in pieces:
            work(piece, held)
        return
    lock = threading.Lock()
    failed: list[BaseException] = []

    def loop() -> None:
        try:
            held = state()
            while not failed:
                with lock:
                    piece = next(pieces, None)
                if piece is None:
                    return
                work(piece, held)
        except BaseException as problem:
            failed.append(problem)

    workers = [threading.Thread(target=loop, name=f"merge-{number}", daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    except BaseException as problem:  # Ctrl-C arrives here, in the main thread
        failed.insert(0, problem)
        for worker in workers:
            worker.join()
    if failed:
        raise failed[0]
