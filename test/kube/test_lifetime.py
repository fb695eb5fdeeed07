"""A cluster ends with its first process and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cluster.api import Refusal
from cluster.cluster import Cluster
from harness.kube_objects import deployment
from harness.processes import children, kill, name_of
from harness.waiting import until

ROOT = Path(__file__).resolve().parents[2]
KUBE = ROOT / "test/cluster/kube.py"
TIED = """
import sys, time
from pathlib import Path
from cluster.cluster import Cluster
Cluster(Path(sys.argv[1])).start(Path(sys.argv[2]), sys.argv[3], tied=True)
print("ready", flush=True)
time.sleep(600)
"""


def namespaces(pid: int) -> set[str]:
    return {str(Path(f"/proc/{pid}/ns/{kind}").readlink()) for kind in ("net", "pid", "mnt")}


def members(wanted: set[str]) -> list[int]:
    """Processes in any of these namespaces."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if namespaces(int(process.name)) & wanted:
                found.append(int(process.name))
        except OSError:
            continue  # it has just ended
    return found


def interfaces() -> list[str]:
    listed = subprocess.run(["ip", "-j", "link"], capture_output=True, check=True)
    return sorted(link["ifname"] for link in json.loads(listed.stdout))


def wait_for_nothing(wanted: set[str]) -> None:
    until(lambda: not members(wanted), "the end of all processes and namespaces", 30)


def run_pod(cluster: Cluster) -> None:
    api = cluster.api()
    path = "/apis/apps/v1/namespaces/default/deployments"
    api.call("POST", path, deployment("blue", 2))

    def available() -> bool:
        status = api.call("GET", f"{path}/blue")["status"]
        return status.get("availableReplicas") == 2

    until(available, "two Pods", 30, 0.05)


def test_a_killed_cluster_leaves_no_process_namespace_or_interface(make_cluster):
    before = interfaces()
    cluster = make_cluster()
    first = cluster.first_pid()
    own = namespaces(first) - namespaces(os.getpid())
    assert len(own) == 3
    run_pod(cluster)
    assert len(members(own)) >= 10  # the programs, two Pods and what holds their networks
    os.kill(first, signal.SIGKILL)
    wait_for_nothing(own)
    assert not cluster.alive()
    assert interfaces() == before
    assert "nsfs" not in Path("/proc/self/mountinfo").read_text()
    cluster.stop()
    assert not cluster.state.exists()


def test_a_cluster_ends_when_one_of_its_programs_does(make_cluster):
    cluster = make_cluster()
    own = namespaces(cluster.first_pid()) - namespaces(os.getpid())
    (etcd,) = [pid for pid in children(cluster.first_pid()) if name_of(pid) == "etcd"]
    kill(etcd)
    wait_for_nothing(own)
    assert "etcd ended: -9" in (cluster.state / "cluster.log").read_text()


def test_a_tied_cluster_ends_with_the_one_who_started_it(kit, suite, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "test")}
    cluster = Cluster(tmp_path / "cluster")
    command = [sys.executable, "-c", TIED, cluster.state, kit, suite]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as starter:
        assert starter.stdout.readline() == b"ready\n"
        own = namespaces(cluster.first_pid()) - namespaces(os.getpid())
        starter.kill()
    wait_for_nothing(own)
    cluster.stop()


def test_two_clusters_do_not_meet(cluster, make_cluster):
    other = make_cluster()
    path = "/api/v1/namespaces"
    other.api().call("POST", path, {"metadata": {"name": "only-here"}})
    assert other.api().call("GET", f"{path}/only-here")["metadata"]["name"] == "only-here"
    try:
        cluster.api().call("GET", f"{path}/only-here")
        raise AssertionError("the other cluster has it, too")
    except Refusal as refusal:
        assert refusal.status == 404


def kube(verb: str, state: Path, *options: str) -> list[str]:
    """The lines that a command of kube.py printed."""
    command = [sys.executable, str(KUBE), verb, "--state", str(state), *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def shown(command: str) -> str:
    done = subprocess.run(command.split(), check=True, capture_output=True, text=True)
    return done.stdout


def test_the_commands_start_show_and_end_a_cluster(kit, tmp_path):
    state = tmp_path / "cluster"
    cluster = Cluster(state)
    try:
        *_, kubeconfig, line = kube("up", state)
        assert kubeconfig == f"kubeconfig: {state}/kubeconfig"
        command = line.removeprefix("use it: ")
        assert "node-1   Ready" in shown(command)
        first = cluster.first_pid()
        assert kube("up", state) == [kubeconfig, line]
        assert cluster.first_pid() == first
        kill(first)
        assert kube("up", state)[-2:] == [kubeconfig, line]
        enter = command.split()[0]
        kinds = shown(f"{enter} kubectl api-resources --api-group=gateway.networking.k8s.io")
        assert "HTTPRoute" in kinds and "ListenerSet" in kinds
    finally:
        kube("down", state)
    assert not state.exists()
    kube("down", state)


def test_a_cluster_of_the_standard_channel_is_one_of_its_own(kit, tmp_path):
    state = tmp_path / "cluster"
    standard = ("--channel", "standard")
    try:
        *_, line = kube("up", state, *standard)
        crd = f"{line.split()[2]} kubectl get crd httproutes.gateway.networking.k8s.io"
        annotation = r"jsonpath={.metadata.annotations.gateway\.networking\.k8s\.io/channel}"
        assert shown(f"{crd} -o {annotation}") == "standard"
        with pytest.raises(subprocess.CalledProcessError) as refused:
            kube("up", state)
        assert "end it first" in refused.value.stderr
    finally:
        kube("down", state)
