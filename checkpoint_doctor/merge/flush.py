"""Sending written bytes to the disk while the next ones are computed, so that the final fsync has little left to do."""

from __future__ import annotations

import os
import threading

EVERY = 64 << 20


class Flusher:
    """Watches one file that is being written; a context manager around the writing.

    Args:
        descriptor: the file, open for writing until the context ends.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = 0
        self._closed = False
        self._ready = threading.Condition()
        self._thread: threading.Thread | None = None
        self._problem: OSError | None = None

    def __enter__(self) -> Flusher:
        return self

    def __exit__(self, *_: object) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join()

    def finish(self) -> None:
        """Force what is left to the disk, after the context; raises OSError, also one from before."""
        if self._problem is not None:
            raise self._problem
        os.fsync(self._descriptor)

    def wrote(self, count: int) -> None:
        """So many bytes more were written."""
        with self._ready:
            self._pending += count
            if self._pending < EVERY:
                return
            if self._thread is None:  # small files never start it
                self._thread = threading.Thread(target=self._loop, name="merge-flush", daemon=True)
                self._thread.start()
            self._ready.notify()

    def _loop(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._closed or self._pending >= EVERY)
                if self._closed:
                    return
                self._pending = 0
            try:
                getattr(os, "fdatasync", os.fsync)(self._descriptor)
            except OSError as problem:  # the kernel tells it once only
                self._problem = problem
                return
