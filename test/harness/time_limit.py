"""A limit for what ends after a failed test; there pytest-timeout has stopped its clock.

A conftest.py has it by importing the hook.
"""

import signal

import pytest

ENDING_S = 120


def _too_late(*_: object) -> None:
    raise TimeoutError(f"the fixtures of a failed test did not end within {ENDING_S} s")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown():
    stopped = signal.getitimer(signal.ITIMER_REAL)[0] == 0
    if stopped:
        signal.signal(signal.SIGALRM, _too_late)
        signal.setitimer(signal.ITIMER_REAL, ENDING_S)
    yield
    if stopped:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
