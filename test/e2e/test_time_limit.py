"""What bounds the tests themselves."""

import os
import subprocess
import sys
from pathlib import Path

TEST = Path(__file__).resolve().parents[1]
CONFTEST = """
import threading
import harness.time_limit as limit
import pytest

limit.ENDING_S = 1
pytest_runtest_teardown = limit.pytest_runtest_teardown

@pytest.fixture
def endless():
    yield
    threading.Event().wait()
"""


def test_a_run_ends_although_a_fixture_of_a_failed_test_does_not(tmp_path):
    """A run went on until it was killed: a failed test's server did not stop."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text("def test_it(endless):\n    assert False\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "30"]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TEST)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "1 failed, 1 error" in ended.stdout
    assert "did not end within 1 s" in ended.stdout
