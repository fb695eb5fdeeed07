#!/usr/bin/env python3
"""Runs the tests in stages, prints how long each took, and ends with a count of passed and failed.

Usage: run.py [STAGE...] [--all]     without a stage: everything that `make test` promises
Long runs read their counts from the environment; every stage prints the values it uses.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster.cluster import NotHere, check_machine
from cluster.kit import build as kit_build

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
PYTHON = "/usr/bin/python3"
JOBS = str(os.cpu_count() or 2)
RUFF_VERSION = "0.17.6"
NO_MODULE = ["-DSLUICE_MODULE=OFF", "-DSLUICE_CONTROLLER=OFF"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sluice"

# Counts of the long tests: what `make test` uses, and what `make fuzz` uses.
COUNTS = {
    "SLUICE_KILLS": ("100", "1000"),
    "SLUICE_ORACLE_REQUESTS": ("1000000", "20000000"),
    "SLUICE_CHANGES": ("10000", "100000"),
    "SLUICE_CORRUPTIONS": ("100000", "1000000"),
    "SLUICE_UDP_SEQUENCES": ("100", "2000"),
}
LONGEST_PYTEST_S = 2400  # several times what the tests of a folder take
LONGEST_ENDING_S = 120  # of the servers of a run that was broken off
FUZZ_SECONDS = 600  # of `make fuzz`, divided over the targets


class NotRun(Exception):
    """A stage that needs what this machine does not have; the text says what."""


def run(command: list[str], **more) -> None:
    print("+", " ".join(command), flush=True)
    subprocess.run(command, cwd=ROOT, check=True, **more)


def pytest(folder: str, *options: str, env: dict[str, str] | None = None) -> None:
    """Its tests have limits of their own; where one holds the run up, pytest says which."""
    command = [PYTHON, "-m", "pytest", folder, "-q", "-rs", "--timeout", "300"]
    command += ["-p", "no:cacheprovider", *options]
    print("+", " ".join(command), flush=True)
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(env or {})}) as process:
        try:
            process.wait(LONGEST_PYTEST_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(LONGEST_ENDING_S)
            except subprocess.TimeoutExpired:
                process.kill()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def configure(name: str, *options: str) -> Path:
    directory = BUILD / name
    run(
        ["cmake", "-S", ".", "-B", str(directory), "-G", "Ninja", *options],
        stdout=subprocess.DEVNULL,
    )
    return directory


def build(name: str, *options: str) -> Path:
    directory = configure(name, *options)
    run(["ninja", "-C", str(directory), "-j", JOBS, "--quiet"])
    return directory


def tests() -> Path:
    return build("tests", "-DCMAKE_BUILD_TYPE=RelWithDebInfo")


def asan() -> Path:
    return build(
        "asan", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1 -g1", "-DSLUICE_SANITIZE=address"
    )


def ctest(directory: Path, full: bool = False, slower: int = 1) -> None:
    """Runs all ctests; `slower` divides the counts that are not in the environment."""
    counts = {
        name: os.environ.get(name, str(int(values[1 if full else 0]) // slower))
        for name, values in COUNTS.items()
    }
    print("counts (this run / make test / make fuzz):")
    for name, values in COUNTS.items():
        print(f"  {name}={counts[name]}   {values[0]} / {values[1]}")
    run(
        ["ctest", "--test-dir", str(directory), "--output-on-failure", "-j", JOBS],
        env={**os.environ, **counts},
    )


def test_tools() -> list[str]:
    tools = []
    for name in ("gotools", "autobahn"):
        run([PYTHON, f"test/{name}/build.py", str(CACHE / name)])
        tools += [f"--{name}", str(CACHE / name)]
    return tools


def e2e(directory: Path, *options: str, changes: str = "5000") -> None:
    tools = test_tools()
    changes = os.environ.get("SLUICE_LIVE_CHANGES", changes)
    print(f"counts: SLUICE_LIVE_CHANGES={changes}")
    env = {"SLUICE_LIVE_CHANGES": changes}
    pytest("test/e2e", "--build", str(directory), *tools, *options, env=env)


def stage_build() -> None:
    tests()
    modules = sorted(str(path) for path in (BUILD / "tests/modules").glob("*.so"))
    run([PYTHON, "test/checks/symbols.py", *modules])


def stage_checks() -> None:
    run([PYTHON, "test/checks/layers.py"])
    run([PYTHON, "test/checks/sources.py"])
    run([PYTHON, "test/checks/format_page.py"])
    run([PYTHON, "test/checks/conditions.py"])
    run([PYTHON, "test/checks/features.py"])


def changed_files(everything: bool) -> list[str]:
    """C++ files that differ from main's previous state; all of them with --all."""
    if everything:
        command = ["git", "ls-files", "*.cc", "*.h"]
    else:
        base = subprocess.run(
            ["git", "merge-base", "HEAD", "origin/main"], cwd=ROOT, capture_output=True, text=True
        ).stdout.strip()
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True
        ).stdout.strip()
        if base in ("", head):
            base = "HEAD~1"
        command = ["git", "diff", "--name-only", "--diff-filter=d", base, "--", "*.cc", "*.h"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    return [name for name in listed if (ROOT / name).is_file()]


def stage_lint(everything: bool = False) -> None:
    sources = subprocess.run(
        ["git", "ls-files", "*.cc", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    run(["clang-format-19", "--dry-run", "--Werror", *sources])
    ruff = CACHE / "venv/bin/ruff"
    if (
        not ruff.exists()
        or RUFF_VERSION
        not in subprocess.run([ruff, "--version"], capture_output=True, text=True).stdout
    ):
        run([PYTHON, "-m", "venv", str(CACHE / "venv")])
        run([str(CACHE / "venv/bin/pip"), "install", "--quiet", f"ruff=={RUFF_VERSION}"])
    run([str(ruff), "format", "--check", "--quiet", "test"])
    run([str(ruff), "check", "--quiet", "test"])
    scripts = [
        "packaging/install-deps",
        ".ci/run",
        "test/sanitizer/build-nginx",
        "test/cluster/kit/repin",
    ]
    run(["shellcheck", *scripts])
    changed = [name for name in changed_files(everything) if name.endswith(".cc")]
    if changed:
        places = ["--build", str(tests()), "--cache", str(CACHE)]
        run([PYTHON, "test/checks/tidy.py", *places, *changed])


def stage_unit() -> None:
    ctest(tests())


def stage_asan() -> None:
    directory = asan()
    ctest(directory, slower=10)


def stage_asan_e2e() -> None:
    directory = asan()
    nginx = CACHE / "nginx-asan"
    run(["test/sanitizer/build-nginx", str(nginx)])
    e2e(directory, "--sanitizer", "--nginx", str(nginx / "nginx"), changes="500")


def stage_tsan() -> None:
    directory = configure(
        "tsan", "-DCMAKE_CXX_FLAGS=-O1 -g1", "-DSLUICE_SANITIZE=thread", *NO_MODULE
    )
    run(["ninja", "-C", str(directory), "-j", JOBS, "--quiet", "arena_threads"])
    run([str(directory / "bin/arena_threads")])


def stage_e2e() -> None:
    e2e(tests())


def stage_nginx_tests() -> None:
    copy = os.environ.get("NGINX_TESTS")
    if not copy:
        raise NotRun("NGINX_TESTS names no copy of nginx's test suite")
    directory = str(tests())
    run([PYTHON, "test/nginx_tests/nginx_tests.py", "--tests", copy, "--build", directory])


def stage_demo() -> None:
    run([PYTHON, "test/demo/demo.py", "--build", str(tests())])


def stage_bench() -> None:
    gotools = str(CACHE / "gotools")
    run([PYTHON, "test/gotools/build.py", gotools])
    places = ["--build", str(tests()), "--gotools", gotools]
    try:
        places += ["--kit", kit()]
    except NotRun as reason:
        print(f"without a cluster: {reason}", flush=True)
    run([PYTHON, "test/bench/run.py", *places])


def stage_matrix() -> None:
    places = ["--cache", str(CACHE / "chroots"), *test_tools()]
    try:
        places += ["--kit", kit()]
    except NotRun as reason:
        print(f"without the conformance suite: {reason}", flush=True)
    run([PYTHON, "test/matrix/matrix.py", *places])


def start_kit() -> None:
    """Begins to build a cluster's programs in the background, nicely; `kit` waits for them.

    It ends with this process, however that ends, and goes on the next time where it was.
    """
    if kit_build.directory(CACHE / "cluster").exists():
        return
    BUILD.mkdir(exist_ok=True)
    command = [PYTHON, "test/cluster/kit/build.py", str(CACHE / "cluster")]
    with (BUILD / "kit.log").open("w") as log:
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def kit() -> str:
    """The cluster's programs, on a machine that can run them."""
    for wanted in ("e2e", "kube"):
        run(["packaging/install-deps", wanted])
    try:
        check_machine()
        return str(kit_build.build(CACHE / "cluster"))
    except (NotHere, kit_build.Missing) as reason:
        raise NotRun(str(reason)) from reason


def stage_kube() -> None:
    pytest("test/kube", "--build", str(tests()), "--kit", kit())


def conformance(program: str) -> None:
    options = shlex.split(os.environ.get("SLUICE_CONFORMANCE", ""))
    places = ["--build", str(tests()), "--kit", kit(), "--results", str(BUILD / "conformance")]
    run([PYTHON, f"test/conformance/{program}.py", *places, *options])


def stage_conformance() -> None:
    conformance("run")


def stage_conformance_matrix() -> None:
    conformance("matrix")


def fuzzers() -> Path:
    # Warnings are gcc's to judge: clang knows others, and not all that the sources switch off.
    directory = configure(
        "fuzz",
        "-DCMAKE_C_COMPILER=clang-19",
        "-DCMAKE_CXX_COMPILER=clang++-19",
        "-DCMAKE_BUILD_TYPE=None",
        "-DCMAKE_CXX_FLAGS=-O1 -g1 -w",
        "-DSLUICE_SANITIZE=fuzz",
        "-DSLUICE_MODULE=OFF",
    )
    run(["ninja", "-C", str(directory), "-j", JOBS, "--quiet", "fuzzers"])
    return directory


def run_fuzzer(program: Path, seconds: int) -> bool:
    """Runs one target on its seeds and on the corpus of earlier runs; prints its last counts."""
    name = program.name.removeprefix("fuzz_")
    seeds = ROOT / "test/fuzz" / name
    corpus = program.parents[1] / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    finding = f"{program.parents[1]}/finding-{name}-"
    command = [str(program), f"-max_total_time={seconds}", "-timeout=20", "-max_len=4096"]
    command += ["-print_final_stats=1", f"-artifact_prefix={finding}"]
    words = seeds.with_suffix(".dict")
    command += [f"-dict={words}"] if words.exists() else []
    log = program.parents[1] / f"{name}.log"
    with log.open("w") as out:
        ended = subprocess.run([*command, corpus, seeds], cwd=ROOT, stdout=out, stderr=out)
    lines = log.read_text(errors="replace").splitlines()
    if ended.returncode:
        print("\n".join(lines[-60:]))
        print(f"{name}: FAILED; fix it, and keep the input (see above) in test/fuzz/{name}/")
        return False
    progress = [line for line in lines if "cov:" in line][-1].split()
    coverage = progress[progress.index("cov:") + 1]
    inputs = next(line.split()[-1] for line in lines if "number_of_executed_units" in line)
    print(f"{name}: {inputs} inputs in {seconds} s, {coverage} edges, no finding", flush=True)
    return True


def run_fuzzers() -> None:
    programs = sorted((fuzzers() / "bin").glob("fuzz_*"))
    seconds = int(os.environ.get("SLUICE_FUZZ_SECONDS", FUZZ_SECONDS // len(programs)))
    print(f"counts: SLUICE_FUZZ_SECONDS={seconds} for each of {len(programs)} targets", flush=True)
    passed = [run_fuzzer(program, seconds) for program in programs]
    if not all(passed):
        raise subprocess.CalledProcessError(1, "libFuzzer")


def stage_fuzz() -> None:
    run_fuzzers()
    ctest(tests(), full=True)


STAGES: dict[str, Callable] = {
    "build": stage_build,
    "checks": stage_checks,
    "lint": stage_lint,
    "unit": stage_unit,
    "asan": stage_asan,
    "tsan": stage_tsan,
    "e2e": stage_e2e,
    "demo": stage_demo,
    "kube": stage_kube,
    "conformance": stage_conformance,
    "asan-e2e": stage_asan_e2e,
    "nginx-tests": stage_nginx_tests,
}
ON_REQUEST: dict[str, Callable] = {
    "bench": stage_bench,
    "matrix": stage_matrix,
    "fuzz": stage_fuzz,
    "conformance-matrix": stage_conformance_matrix,
}


def check_time(used_s: float) -> None:
    """Where there is a limit, the stages that still fit are run, and the others named."""
    most = os.environ.get("SLUICE_MINUTES")
    if most and used_s > 60 * float(most):
        raise NotRun(f"{used_s / 60:.0f} minutes are used, SLUICE_MINUTES={most}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", choices=[*STAGES, *ON_REQUEST, []], metavar="STAGE")
    parser.add_argument("--all", action="store_true", help="lint: all files, not only changed ones")
    arguments = parser.parse_args()
    names = arguments.stages or list(STAGES)
    if {"bench", "matrix", "kube", "conformance", "conformance-matrix"} & set(names):
        start_kit()
    begun = time.monotonic()
    results: list[tuple[str, float, str]] = []
    for name in names:
        print(f"\n=== {name}", flush=True)
        started = time.monotonic()
        try:
            check_time(started - begun)
            if name == "lint":
                stage_lint(arguments.all)
            else:
                {**STAGES, **ON_REQUEST}[name]()
            ended = "passed"
        except NotRun as reason:
            ended = f"not run: {reason}"
            print(ended, flush=True)
        except (subprocess.CalledProcessError, FileNotFoundError) as problem:
            print(f"stage {name} failed: {problem}", flush=True)
            ended = "FAILED"
        results.append((name, time.monotonic() - started, ended))
        print(f"=== {name}: {ended} after {results[-1][1]:.0f} s", flush=True)
    print("\nstage              seconds")
    for name, seconds, ended in results:
        print(f"{name:18} {seconds:7.1f}  {ended}")
    failed = sum(ended == "FAILED" for _, _, ended in results)
    passed = sum(ended == "passed" for _, _, ended in results)
    print(f"{passed} passed, {failed} failed, {len(results) - passed - failed} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
