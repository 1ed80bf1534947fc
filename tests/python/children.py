"""Children of the tests' process, to be killed: they start at once, as all is loaded."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any


def start_child(run: Callable[[], Any]) -> int:
    """Run a function in a child of this process; the number of the child."""
    child = os.fork()
    if child == 0:
        try:
            run()
        finally:
            os._exit(0)
    return child


def wait_for(child: int) -> signal.Signals | None:
    """The signal that ended a child; none where it came to its own end."""
    _, status = os.waitpid(child, 0)
    return signal.Signals(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else None


def kill(child: int) -> None:
    """End a child without a word."""
    os.kill(child, signal.SIGKILL)
    assert wait_for(child) is signal.SIGKILL
