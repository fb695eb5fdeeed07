"""What the README's quick start in Kubernetes says, typed as it stands there."""

import json
import re
import signal
import subprocess
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
from harness.waiting import until

ROOT = Path(__file__).resolve().parents[2]
SECTION = re.compile(r"^## Quick start in Kubernetes\n(.*?)^## ", re.M | re.S)
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
COMMAND_S = 60
# /run and /dev/shm of the shell's own: other runs of the same text are not met.
OWN_PLACES = "mount -t tmpfs run /run && mount -t tmpfs shm /dev/shm"


class Shell:
    """A bash in the cluster's network, as `build/kube/enter bash` starts it; with it ends all."""

    def __init__(self, cluster, place: Path):
        own = ("unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child")
        self.popen = subprocess.Popen(
            cluster.command(*own, "bash"),
            cwd=place,
            env=cluster.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.code = 0  # of the last command
        self.type(OWN_PLACES)

    def type(self, commands: str) -> str:
        """What the commands print; fails with it when the last of them does."""
        watchdog = threading.Timer(COMMAND_S, self.popen.kill)
        watchdog.start()
        self.popen.stdin.write(commands.rstrip() + '\nprintf "\\n--- %s\\n" $?\n')
        self.popen.stdin.flush()
        printed = "".join(iter(self._line, ""))
        watchdog.cancel()
        assert self.code == 0, f"{commands}\n{printed}\nended with {self.code}"
        return printed

    def _line(self) -> str:
        """The next one of what is printed; none behind the last."""
        line = self.popen.stdout.readline()
        if line and not line.startswith("--- "):
            return line
        self.code = int(line.removeprefix("--- ") or -1)  # -1: the shell itself has ended
        return ""

    def end(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.communicate()


def blocks() -> list[str]:
    (section,) = SECTION.findall((ROOT / "README.md").read_text())
    return BLOCK.findall(section)


@pytest.fixture
def shell(cluster, binaries):
    """In a directory that looks like the root of the checkout, to which nginx's workers may go."""
    with tempfile.TemporaryDirectory(prefix="sluice-quick-") as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "build").symlink_to(binaries.parent)
        (place / "packaging").symlink_to(ROOT / "packaging")
        started = Shell(cluster, place)
        yield started
        started.end()
    cluster.kubectl("delete", "--ignore-not-found", "-f", ROOT / "packaging/kubernetes/quick-start")


def test_the_commands_do_what_is_written_beside_them(shell):
    set_up, apply, start, look, ask, change, end = blocks()
    assert set_up == "make && make kube-up\nbuild/kube/enter bash\n"
    assert "httproute.gateway.networking.k8s.io/shop created" in shell.type(apply)
    shell.type(start)
    shown = shell.type(look)
    assert re.search(r"gatewayclass\S*/sluice +sluice.dev/gateway-controller +True ", shown)
    assert re.search(r"gateway\S*/web +sluice +10\.250\.0\.\d+ +True ", shown)
    assert re.search(r'httproute\S*/shop +\["shop.example.com"\] ', shown)

    def color() -> str:
        told = shell.type(ask)
        return json.loads(told)["pod"].split("-")[0] if told.startswith("{") else told

    until(lambda: color() in ("blue", "green"), "the first answer", 30)
    counts = Counter(color() for _ in range(100))
    assert set(counts) == {"blue", "green"} and counts["blue"] > 70, counts
    shell.type(change)
    until(lambda: color() == "green", "green", 10)
    assert Counter(color() for _ in range(20)) == {"green": 20}
    assert "BackendNotFound" not in shell.type("kubectl describe httproute shop")
    explained = shell.type("build/bin/sluicectl explain --host shop.example.com")
    assert "default/shop" in explained
    stop, left = end.split("exit\n")
    assert left == "" and 'gateway.gateway.networking.k8s.io "web" deleted' in shell.type(stop)
