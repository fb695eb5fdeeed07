"""Fixtures: one cluster for all tests, a namespace for each."""

import re
import secrets
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from cluster.cluster import Cluster, check_machine  # noqa: E402
from cluster.kit import build  # noqa: E402
from harness.kube_sluice import KubeSluice  # noqa: E402
from harness.kubernetes import Namespace  # noqa: E402
from harness.time_limit import pytest_runtest_teardown  # noqa: E402, F401


def pytest_addoption(parser):
    parser.addoption(
        "--kit", default=str(build.directory()), help="what test/cluster/kit/build.py printed"
    )
    parser.addoption(
        "--build", default=ROOT / "build/tests", type=Path, help="where Sluice was built"
    )
    parser.addoption("--suite", default=build.suites()[0], help="whose version of the Gateway API")
    parser.addoption("--channel", default="experimental", choices=["experimental", "standard"])


@pytest.fixture(scope="session")
def kit(request) -> Path:
    """The cluster's programs."""
    directory = Path(request.config.getoption("--kit"))
    if not directory.exists():
        pytest.exit("the cluster's programs are not built: test/cluster/kit/build.py", 1)
    check_machine()
    return directory


@pytest.fixture(scope="session")
def binaries(request) -> Path:
    """The programs of this project; what runs in the cluster's network sees the host's files."""
    return request.config.getoption("--build").resolve() / "bin"


@pytest.fixture(scope="session")
def suite(request) -> str:
    return request.config.getoption("--suite")


@pytest.fixture
def make_cluster(kit, suite):
    """make_cluster() -> a cluster of the test's own, tied to it, without the Gateway API.

    `api_server`: more options of the API server.
    """
    with tempfile.TemporaryDirectory(prefix="sluice-kube-") as name:
        made: list[Cluster] = []

        def make(version: str = suite, api_server: tuple[str, ...] = ()) -> Cluster:
            cluster = Cluster(Path(name) / f"cluster{len(made)}")
            made.append(cluster)
            cluster.start(kit, version, api_server, tied=True)
            return cluster

        yield make
        for cluster in made:
            cluster.stop()


def pytest_configure(config):
    config.addinivalue_line("markers", "bundle(channel): the Gateway API of the test's own cluster")
    config.addinivalue_line("markers", "api_server(options): more options of its API server")


@pytest.fixture
def own_cluster(request, make_cluster, suite) -> Cluster:
    """A cluster of the test's own, with what Sluice needs and the standard bundle, unless the marks
    `bundle` and `api_server` say otherwise."""

    def marked(name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        mark = request.node.get_closest_marker(name)
        return mark.args if mark else otherwise

    made = make_cluster(api_server=marked("api_server", ()))
    made.apply_bundle(suite, *marked("bundle", ("standard",)))
    made.kubectl("apply", "--server-side", "-k", ROOT / "packaging/kubernetes")
    return made


@pytest.fixture(scope="session")
def cluster(request, kit, suite) -> Cluster:
    with tempfile.TemporaryDirectory(prefix="sluice-kube-") as name:
        running = Cluster(Path(name) / "cluster")
        running.start(kit, suite, tied=True)
        running.apply_bundle(suite, request.config.getoption("--channel"))
        yield running
        running.stop()


@pytest.fixture(scope="session")
def rights(cluster):
    """What Sluice needs in a cluster is there."""
    cluster.kubectl("apply", "--server-side", "-k", ROOT / "packaging/kubernetes")


@pytest.fixture
def namespace(request, cluster, tmp_path) -> Namespace:
    """A new namespace, named after the test."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:40]
    made = Namespace(cluster, f"{words.strip('-')}-{secrets.token_hex(3)}", tmp_path)
    made.create()
    yield made
    made.remove()


@pytest.fixture
def make_sluice(rights, namespace, binaries):
    """make_sluice(pool, ..., options=(), through=None) -> a running Sluice whose Gateways have
    addresses of these pools; `options` of its controller, `through` what it reaches the API by."""
    # Not below pytest's own directories, which nginx's workers may not enter.
    with tempfile.TemporaryDirectory(prefix="sluice-kube-") as name:
        made: list[KubeSluice] = []

        def make(
            *pools: str, options: tuple[str, ...] = (), through: dict | None = None
        ) -> KubeSluice:
            directory = Path(name) / f"sluice{len(made)}"
            sluice = KubeSluice(namespace, binaries.parent, directory, pools=pools)
            sluice.options, sluice.through = options, through
            made.append(sluice)
            sluice.start()
            return sluice

        Path(name).chmod(0o755)
        yield make
        problems = [line for sluice in made for line in sluice.stop()]
        # Shown only when something failed.
        for directory in (namespace.scratch, *(sluice.dir for sluice in made)):
            for path in directory.glob("*.log"):
                print(path.name, path.read_text(errors="replace")[-6000:], sep="\n")
    assert not problems, "\n".join(problems)


@pytest.fixture
def alone(own_cluster, tmp_path) -> Namespace:
    """A namespace of a cluster whose CRDs are the test's own."""
    made = Namespace(own_cluster, "alone", tmp_path)
    made.create()
    yield made
    made.remove()


@pytest.fixture
def start(alone, binaries):
    """start() -> a running Sluice there."""
    with tempfile.TemporaryDirectory(prefix="sluice-kube-") as name:
        Path(name).chmod(0o755)
        pools = ("10.250.70.0/28",)
        sluice = KubeSluice(alone, binaries.parent, Path(name) / "sluice", pools=pools)

        def start_it() -> KubeSluice:
            sluice.start()
            return sluice

        yield start_it
        assert sluice.stop() == []
