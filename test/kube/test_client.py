"""The controller's API client against a real API server."""

from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "build/tests/bin/kube_client_live"


def test_it_lists_watches_writes_and_sleeps(cluster):
    done = cluster.run(PROGRAM, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
