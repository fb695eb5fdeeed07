#!/usr/bin/env python3
"""One run of the official conformance suite: `make conformance`.

Usage: run.py --kit DIR --build DIR [--results DIR] [--tests REGEX] [--suite VERSION]
              [--channel experimental|standard] [--workers N] [--parallel N] [--keep]
Exit code 0 only if no test failed, the skipped ones are those of skips-VERSION.txt, no worker
ended and nginx logged no [alert] or [emerg]. --tests takes the whole names of tests, and judges
neither skips nor profiles.
"""

import argparse
import contextlib
import hashlib
import json
import shutil
import signal
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from cluster.cluster import NotHere, check_machine  # noqa: E402
from cluster.kit import build as kit_build  # noqa: E402

from conformance import suite, tables, verdict  # noqa: E402
from conformance.world import Setting, World, directory  # noqa: E402

BUILD = TESTS.parent / "build"


def programs(kit: Path, build: Path) -> str:
    """Tells these programs from all others."""
    modules = ("modules/ngx_http_sluice_module.so", "modules/ngx_stream_sluice_module.so")
    names = ("bin/sluice-controller", "bin/sluicectl", *modules)
    parts = [kit.name.encode(), *((build / name).read_bytes() for name in names)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def judge(setting: Setting, kit: Path, build: Path, results: Path, pattern="", keep=False) -> dict:
    """One run in a world of its own; what is kept of it in `results`/summary.json."""
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    started = time.monotonic()
    with directory() as place:
        world = World(setting, kit, build, place, results)
        try:
            world.start()
            print(f"suite {setting.name()}: the cluster runs", flush=True)
            run = suite.run(world, pattern)
            if keep:
                wait_for_interrupt(world)
        finally:
            found = world.stop()
    skips = None if pattern else verdict.listed_skips(setting.suite, setting.channel)
    found += verdict.problems(run, skips)
    summary = {
        **vars(setting),
        "programs": programs(kit, build),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seconds": round(time.monotonic() - started),
        "tests": {ending: len(run.of(ending)) for ending in ("pass", "fail", "skip")},
        "profiles": {} if pattern else tables.profiles_of(suite.report(world)),
        "problems": found,
    }
    (results / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    show(summary, tables.failures(run), results)
    return summary


def wait_for_interrupt(world: World) -> None:
    print(f"kept until an interrupt: KUBECONFIG={world.cluster.kubeconfig}", flush=True)
    print(f"enter: {' '.join(world.cluster.command('COMMAND'))}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def show(summary: dict, failed: list[str], results: Path) -> None:
    print("\n".join(failed))
    print("\n".join(tables.profile_table(summary["profiles"])))
    print("\n".join(summary["problems"]))
    counts = ", ".join(f"{number} {ending}" for ending, number in summary["tests"].items())
    verb = "FAILED" if summary["problems"] else "passed"
    print(f"{verb}: {counts}, in {summary['seconds']} s; all of it: {results}", flush=True)


def main() -> int:
    suites = kit_build.suites()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kit", type=Path, default=kit_build.directory())
    parser.add_argument("--build", type=Path, default=BUILD / "tests", help="where Sluice is")
    parser.add_argument("--results", type=Path, default=BUILD / "conformance")
    parser.add_argument("--tests", default="", metavar="REGEX", help="only these")
    parser.add_argument("--suite", choices=suites, default=suites[0])
    parser.add_argument("--channel", choices=["experimental", "standard"], default="experimental")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--parallel", type=int, default=4, help="tests at a time")
    parser.add_argument("--keep", action="store_true", help="the cluster, until an interrupt")
    given = parser.parse_args()
    setting = Setting(given.suite, given.channel, given.workers, given.parallel)
    name = setting.name() + ("-some" if given.tests else "")
    try:
        check_machine()
        build = given.build.resolve()
        summary = judge(
            setting, given.kit, build, given.results.resolve() / name, given.tests, given.keep
        )
    except NotHere as reason:
        print(reason, file=sys.stderr)
        return 1
    return 1 if summary["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
