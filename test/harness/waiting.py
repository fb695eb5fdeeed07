"""Waiting for a condition with a deadline; nothing in the tests sleeps for any other reason."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STEP_S = 0.01


def until(
    condition: Callable[[], T], what: str, seconds: float = 10.0, step_s: float = STEP_S
) -> T:
    """The first true value of `condition`; TimeoutError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(step_s)
