"""The suite's program: how it is started, what comes out, the report that it writes."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from cluster.kit import build as kit_build

from conformance.events import Result, Run, follow
from conformance.world import CLASS, World

PROFILES = ("GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TLS", "GATEWAY-TCP", "GATEWAY-UDP")
USABLE, UNUSABLE = "10.250.200.1", "198.51.100.1"  # in the cluster's pool, and for documentation
IMAGES = "sigs.k8s.io/gateway-api-conformance-images"  # the module of newer suites' backends
TIMEOUT = "60m"
URL = "https://sluice.dev"


def implementation(version: str) -> list[str]:
    fields = {
        "organization": "sluice",
        "project": "sluice",
        "url": URL,
        "version": version,
        "contact": f"{URL}/issues",
    }
    return [f"--{name}={value}" for name, value in fields.items()]


def command(world: World, pattern: str) -> list[str]:
    """Runs the tests whose whole names match `pattern`; all and a report when it is empty."""
    setting = world.setting
    words = [
        world.kit / setting.suite / "conformance.test",
        "-test.v=test2json",
        f"-test.run=^TestConformance$/^({pattern or '.*'})$",
        f"-test.parallel={setting.parallel}",
        f"-test.timeout={TIMEOUT}",
        f"--gateway-class={CLASS}",
        f"--conformance-profiles={','.join(PROFILES)}",
        f"--usable-address={USABLE}",
        f"--unusable-address={UNUSABLE}",
        "--cleanup-base-resources=false",  # the cluster goes with them
    ]
    version = subprocess.run(
        [world.build / "bin/sluice-controller", "--version"], capture_output=True, text=True
    ).stdout.strip()
    words += [f"--report-output={report(world)}", *implementation(version)]
    return world.cluster.command(*words)


def report(world: World) -> Path:
    return world.results / "report.yaml"


def say(test: Result) -> None:
    if test.ending != "skip":
        print(f"  {test.ending} {test.name} ({test.seconds:.1f} s)", flush=True)


def run(world: World, pattern: str) -> Run:
    """Until the suite has ended; its events are in events.jsonl, as of `go test -json`."""
    result = Run()
    with subprocess.Popen(
        command(world, pattern),
        env=world.cluster.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as program:
        converter = ["go", "tool", "test2json", "-t", "-p", "sigs.k8s.io/gateway-api/conformance"]
        with (
            subprocess.Popen(
                converter, cwd="/", stdin=program.stdout, stdout=subprocess.PIPE, text=True
            ) as told,
            (world.results / "events.jsonl").open("w") as kept,
        ):
            for test in follow(copied(told.stdout, kept), result):
                say(test)
    if report(world).exists():
        name_backends(report(world), world.setting.suite)
    return result


def copied(lines: Iterable[str], kept: TextIO) -> Iterator[str]:
    for line in lines:
        kept.write(line)
        yield line


def backends(suite: str) -> str:
    """The release that the kit's echo-basic is of; not always the one that the suite asks for."""
    modfile = kit_build.SUITES[kit_build.suites().index(suite)]
    text = (Path(kit_build.__file__).parent / modfile).read_text()
    replaced = re.search(rf"^replace {re.escape(IMAGES)} => (\S+ v\S+)$", text, re.M)
    return replaced[1] if replaced else f"{kit_build.API}/conformance {suite}"


def name_backends(path: Path, suite: str) -> None:
    """The format of reports has no field for them."""
    path.write_text(f"# Backends: echo-basic of {backends(suite)}\n{path.read_text()}")
