"""The controller's API client against a real API server."""


def test_it_lists_watches_writes_and_sleeps(cluster, binaries):
    done = cluster.run(binaries / "kube_client_live", timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
