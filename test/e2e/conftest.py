"""Fixtures: a real nginx, real clients, and no tolerance for [alert] or [emerg]."""

import contextlib
import os
import sys
import tempfile
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from harness.backends import LiveBackend, NamedBackends  # noqa: E402
from harness.echo_backend import EchoBackend  # noqa: E402
from harness.operator_nginx import OperatorNginx  # noqa: E402
from harness.sluice import Sluice  # noqa: E402
from harness.time_limit import pytest_runtest_teardown  # noqa: E402, F401
from harness.waiting import until  # noqa: E402


def pytest_addoption(parser):
    parser.addoption(
        "--build", default=str(ROOT / "build"), help="build directory with bin/ and modules/"
    )
    parser.addoption("--sanitizer", action="store_true", help="programs have sanitizers built in")
    parser.addoption("--nginx", default=None, help="nginx to run; default: the one sluicectl finds")
    parser.addoption("--gotools", help="directory that test/gotools/build.py filled")
    parser.addoption("--autobahn", help="directory that test/autobahn/build.py filled")


# The three arrays of a module exist in nginx too, hence no odr. nginx leaves its cycle's memory to
# the end of the process, so leaks are looked for where nginx is not: in the unit tests.
SANITIZER = {
    "ASAN_OPTIONS": "detect_odr_violation=0:detect_leaks=0:log_path={reports}/report",
    "UBSAN_OPTIONS": "print_stacktrace=1:log_path={reports}/report",
}


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "log(pattern): a line of nginx's error log that this test causes and expects"
    )


@pytest.fixture(scope="session")
def binaries(request) -> Path:
    return Path(request.config.getoption("--build")).resolve() / "bin"


@pytest.fixture(scope="session")
def nginx(request) -> str | None:
    return request.config.getoption("--nginx")


def find_tool(request, option: str, name: str) -> Path:
    """A program of a directory of tools; a skip that says why when it could not be had."""
    directory = request.config.getoption(option)
    if directory is None:
        pytest.skip(f"{name}: no {option}")
    program, missing = Path(directory) / name, Path(directory) / "missing"
    if not (Path(directory) / "built").exists():
        pytest.skip(f"{name}: {missing.read_text() if missing.exists() else 'not built'}")
    return program


@pytest.fixture(scope="session")
def gotool(request):
    """gotool(name) -> the program."""
    return lambda name: find_tool(request, "--gotools", name)


@pytest.fixture(scope="session")
def wstest(request) -> Path:
    return find_tool(request, "--autobahn", "suite/bin/wstest")


@pytest.fixture
def scratch():
    """A directory that nobody's home permissions hide from nginx's workers."""
    with tempfile.TemporaryDirectory(prefix="sluice-e2e-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def reports(request):
    """Where sanitizers write; set in the environment of everything that a test starts."""
    with tempfile.TemporaryDirectory(prefix="sluice-sanitizer-") as name:
        path = Path(name)
        path.chmod(0o777)
        if request.config.getoption("--sanitizer"):
            values = {key: text.format(reports=path) for key, text in SANITIZER.items()}
            os.environ.update(values)
        yield path


@pytest.fixture(autouse=True)
def no_sanitizer_reports(reports):
    yield
    texts = [path.read_text(errors="replace") for path in sorted(reports.iterdir())]
    for path in reports.iterdir():
        path.unlink()
    assert not texts, "\n".join(texts)[:10000]


@pytest.fixture(autouse=True)
def no_thread_left():
    """A connection that nobody answered: a thread of an earlier test waited in a closed socket."""
    before = set(threading.enumerate())

    def left() -> list[str]:
        names = [thread.name for thread in set(threading.enumerate()) - before]
        # Those of gRPC's servers wait in queues, never in sockets.
        return [name for name in names if not name.startswith("ThreadPoolExecutor")]

    yield
    with contextlib.suppress(TimeoutError):
        until(lambda: not left(), "their end")
    assert left() == []


@pytest.fixture(scope="session")
def backends():
    with tempfile.TemporaryDirectory(prefix="sluice-backends-") as name:
        Path(name).chmod(0o755)
        running = NamedBackends(Path(name), ["blue", "green", "store", "red"])
        yield running
        running.stop()


@pytest.fixture(scope="session")
def live():
    with tempfile.TemporaryDirectory(prefix="sluice-live-") as name:
        running = LiveBackend(Path(name))
        yield running
        running.stop()


@pytest.fixture
def keep():
    """keep(server) -> the server, stopped afterwards."""
    with contextlib.ExitStack() as ending:

        def stop_later(server):
            ending.callback(server.stop)
            return server

        yield stop_later


@pytest.fixture
def echo(keep):
    return keep(EchoBackend())


@pytest.fixture
def make_sluice(request, scratch, binaries, nginx):
    """make_sluice(*arguments) -> a Sluice not started yet; ended and its log judged afterwards."""
    made: list[Sluice] = []

    def make(*arguments: str, workers: int = 2) -> Sluice:
        sluice = Sluice(
            scratch / f"sluice{len(made)}",
            binaries,
            ["--address", "127.0.0.1", "--workers", str(workers), *arguments],
            nginx,
        )
        made.append(sluice)
        return sluice

    yield make
    expected = [mark.args[0] for mark in request.node.iter_markers("log")]
    problems = []
    for sluice in made:
        sluice.stop()
        problems += sluice.bad_log_lines(expected)
        if hasattr(request.node, "failed_call"):
            print(sluice.output()[-8000:])
            print(sluice.nginx_log()[-8000:])
    assert not problems, "nginx logged what no healthy nginx logs:\n" + "\n".join(problems)


@pytest.fixture
def operator_nginx(scratch, binaries, nginx):
    """Not started yet."""
    running = OperatorNginx(scratch / "operator", binaries.parent, nginx or "/usr/sbin/nginx")
    yield running
    assert running.stop() == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call" and outcome.get_result().failed:
        item.failed_call = True
