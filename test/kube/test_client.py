"""The controller's API client against a real API server."""


def test_it_lists_watches_writes_and_sleeps(request, cluster):
    program = request.config.getoption("--build").absolute() / "bin/kube_client_live"
    done = cluster.run(program, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
