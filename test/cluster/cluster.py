"""A cluster seen from outside: started, entered, stopped.

All of it is one process tree in network and pid namespaces of its own, under `state`, a directory
that is made for it and removed with it. Nothing has a name on the host, so any number of clusters
can run at once, and ending the first process, however that happens, ends everything.
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from harness.waiting import until

from cluster import network
from cluster.api import Api, Refusal

T = TypeVar("T")

FIRST_PROCESS = Path(__file__).resolve().parent / "first_process.py"
TOOLS = ("ip", "nsenter", "openssl", "setpriv", "unshare")
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACES = ("unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child")
START_S = 180


class NotHere(Exception):
    """What this machine or this user lacks for a cluster."""


def check_machine() -> None:
    if os.geteuid() != 0:
        raise NotHere("a cluster needs root: it makes network and pid namespaces")
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise NotHere(f"not installed: {', '.join(missing)} (packaging/install-deps kube)")
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True)
    if tried.returncode:
        raise NotHere(f"no namespaces can be made here: {tried.stderr.strip()}")


def start_time(pid: int) -> str:
    """What tells a process from a later one of the same pid; empty when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


class Cluster:
    def __init__(self, state: Path):
        self.state = state.absolute()
        self.kubeconfig = self.state / "kubeconfig"
        self.certificates = self.state / "certificates"
        self.outer: subprocess.Popen | None = None  # the parent of the first process

    def alive(self) -> bool:
        return self.first_pid() != 0

    def first_pid(self) -> int:
        """The pid, outside, of the cluster's first process; 0 when there is none."""
        try:
            pid, started = (self.state / "first").read_text().split()
        except (OSError, ValueError):
            return 0
        return int(pid) if start_time(int(pid)) == started else 0

    def start(
        self, kit: Path, suite: str, api_server: tuple[str, ...] = (), *, tied: bool = False
    ) -> None:
        """Returns when the API server is ready and the node is there; nothing to do when alive.

        `api_server`: more options of the API server.
        A `tied` cluster ends with the thread that starts it, even if that is killed.
        """
        if self.alive():
            return
        check_machine()
        self.remove()
        self.state.mkdir(parents=True)
        (self.state / "kit").symlink_to(kit)
        tie = ["setpriv", "--pdeathsig", "KILL"] if tied else []
        program = [sys.executable, str(FIRST_PROCESS), str(self.state), suite, *api_server]
        with (self.state / "cluster.log").open("wb") as log:
            self.outer = subprocess.Popen(
                [*tie, *NAMESPACES, *program],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._remember_first()
            until(self._ready, "the cluster to be ready", START_S, 0.05)
        except BaseException:
            self.outer.kill()  # the logs stay
            raise

    def _remember_first(self) -> None:
        outer = self.outer.pid
        children = Path(f"/proc/{outer}/task/{outer}/children")
        until(lambda: self._ended() or children.read_text(), "the first process", 30)
        pid = int(children.read_text())
        (self.state / "first").write_text(f"{pid} {start_time(pid)}\n")

    def _ready(self) -> bool:
        return self._ended() or (self.state / "ready").exists()

    def _ended(self) -> bool:
        if self.outer.poll() is None:
            return False
        log = (self.state / "cluster.log").read_text(errors="replace")
        raise RuntimeError(f"the cluster did not start:\n{log}")

    def stop(self) -> None:
        """Ends every process and removes the state directory."""
        if pid := self.first_pid():
            with contextlib.suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                select.select([handle], [], [])  # it ends last, after all the others
                os.close(handle)
        if self.outer:
            self.outer.wait()
            self.outer = None
        self.remove()

    def remove(self) -> None:
        """Removes what a cluster that has ended left in its directory."""
        if (self.state / "kit").is_symlink():
            shutil.rmtree(self.state)

    @property
    def namespace(self) -> Path:
        pid = self.first_pid()
        if not pid:
            raise RuntimeError(f"no cluster runs in {self.state}")
        return Path(f"/proc/{pid}/ns/net")

    def command(self, *words: str | Path) -> list[str]:
        """A command that runs `words` in the cluster's network, and elsewhere nothing else."""
        return ["nsenter", f"--net={self.namespace}", *map(str, words)]

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """For programs inside: the kit's kubectl first, and its kubeconfig."""
        path = f"{self.state / 'kit'}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "KUBECONFIG": str(kubeconfig or self.kubeconfig)}

    def run(self, *words: str | Path, **options) -> subprocess.CompletedProcess:
        """Runs a program inside to its end; `options` as of subprocess.run."""
        defaults = {"env": self.environment(), "text": True, "capture_output": True, "timeout": 120}
        return subprocess.run(self.command(*words), **{**defaults, **options})

    def kubectl(self, *words: str | Path, **options) -> str:
        """What kubectl printed; CalledProcessError with its complaint when it fails."""
        done = self.run("kubectl", *words, **options)
        if done.returncode:
            raise subprocess.CalledProcessError(
                done.returncode, ["kubectl", *words], done.stdout, done.stderr
            )
        return done.stdout

    def inside(self, function: Callable[..., T], *arguments, **named) -> T:
        """What a function returns to a thread whose network is the cluster's."""
        return network.inside(self.namespace, function, *arguments, **named)

    def connect(self, address: tuple[str, int], seconds: float = 10) -> socket.socket:
        """A TCP connection made inside; usable anywhere."""
        return network.connect(self.namespace, *address, seconds)

    def api(self, user: str | None = "admin", token: str | None = None) -> Api:
        return Api(self.certificates, user, token, self.connect)

    def apply_bundle(self, suite: str, channel: str = "experimental") -> None:
        """The CRDs and policies of the Gateway API, as `suite` brings them, all served."""
        crds = self.state / "kit" / suite / "crd"
        place = crds / "experimental" if channel == "experimental" else crds
        self.kubectl("apply", "--server-side", "-k", place)
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        api = self.api()
        paths = [path for crd in api.call("GET", CRDS)["items"] for path in served_paths(crd)]
        until(lambda: all(is_served(api, path) for path in paths), "the CRDs to be served", 60)


def served_paths(crd: dict) -> list[str]:
    spec = crd["spec"]
    versions = [version["name"] for version in spec["versions"] if version["served"]]
    return [f"/apis/{spec['group']}/{version}/{spec['names']['plural']}" for version in versions]


def is_served(api: Api, path: str) -> bool:
    """Established is said a moment before it is true."""
    try:
        api.call("GET", f"{path}?limit=1")
    except Refusal:
        return False
    return True
