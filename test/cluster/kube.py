#!/usr/bin/env python3
"""A Kubernetes cluster to try things in: `make kube-up`, `make kube-down`.

Usage: kube.py up|down [--state DIR] [--suite VERSION] [--channel experimental|standard]
`up` builds the programs if they are not there, starts a cluster, applies the Gateway API, and says
how to use it. Run again, it says so again. Clusters in different directories do not meet.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

from cluster.cluster import Cluster, NotHere, check_machine  # noqa: E402
from cluster.kit import build  # noqa: E402

ENTER = """#!/bin/sh
# Runs a program in the cluster's network, with its kubectl and kubeconfig.
PATH={state}/kit:$PATH KUBECONFIG={state}/kubeconfig exec nsenter --net={namespace} "$@"
"""


def apply_once(cluster: Cluster, suite: str, channel: str) -> None:
    """The Gateway API, unless it is there; another version or channel needs another cluster."""
    wanted, mark = f"{suite} {channel}", cluster.state / "bundle"
    if not mark.exists():
        cluster.apply_bundle(suite, channel)
        mark.write_text(wanted)
    elif mark.read_text() != wanted:
        raise NotHere(f"{cluster.state} runs {mark.read_text()}: end it first (kube-down)")


def up(cluster: Cluster, suite: str, channel: str) -> None:
    check_machine()
    if not build.directory().exists():
        print("building the cluster's programs: 7 to 12 minutes, once", flush=True)
    kit = build.build()
    if not cluster.alive():
        print("starting a cluster", flush=True)
        cluster.start(kit, suite)
    apply_once(cluster, suite, channel)
    enter = cluster.state / "enter"
    enter.write_text(ENTER.format(state=cluster.state, namespace=cluster.namespace))
    enter.chmod(0o755)
    print(f"kubeconfig: {cluster.kubeconfig}")
    print(f"use it: {enter} kubectl get nodes")


def main() -> int:
    suites = build.suites()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=["up", "down"])
    parser.add_argument("--state", type=Path, default=ROOT / "build/kube", help="of the cluster")
    parser.add_argument("--suite", choices=suites, default=suites[0], help="of the Gateway API")
    parser.add_argument("--channel", choices=["experimental", "standard"], default="experimental")
    options = parser.parse_args()
    cluster = Cluster(options.state)
    try:
        if options.verb == "down":
            cluster.stop()
        else:
            up(cluster, options.suite, options.channel)
    except (NotHere, build.Missing) as reason:
        print(reason, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        print(problem, problem.stderr or "", sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
