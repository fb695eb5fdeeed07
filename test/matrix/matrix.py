#!/usr/bin/env python3
"""Builds everything and runs the end-to-end tests on newer Debian releases, each in a chroot.

Usage: matrix.py --cache DIRECTORY --gotools DIRECTORY --autobahn DIRECTORY [--kit DIRECTORY]
                 [SUITE...]
The suites are trixie (nginx 1.26) and sid (nginx 1.30) unless some are named. With the programs of
a cluster, the conformance suite runs on the last one, too. Needs root. The chroots stay in the
cache's DIRECTORY for the next run; mounts are made in a mount namespace of their own and end with
it.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITES = ["trixie", "sid"]
INSIDE = "/src"


def mirror() -> str:
    """Where this machine gets its Debian packages from."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(COMPONENT)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in listed.splitlines():
        words = line.split()
        if words[0].rstrip("/").endswith("/debian") and words[-1] == "main":
            return words[0]
    raise SystemExit("matrix: apt knows no Debian archive")


def make_chroot(suite: str, cache: Path) -> Path:
    root = cache / suite
    if (root / ".ready").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["debootstrap", "--variant=minbase", suite, str(root), mirror()],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", root / f"etc/{name}")
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    # The archive that this machine uses may be the copy of an earlier day.
    (root / "etc/apt/apt.conf.d/99dated").write_text('Acquire::Check-Valid-Until "false";\n')
    (root / INSIDE.lstrip("/")).mkdir()
    (root / ".ready").touch()
    return root


# In a mount namespace: what the chroot needs of the host, then the command there. What it sees of
# the host is where the host has it.
ENTER = """set -eu
root=$1 source=$2 seen=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"  # a mount point, so that a test can make a mount namespace in it
mount --bind "$source" "$root/src"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
for directory in $seen; do
  mkdir -p "$root$directory"
  mount --bind -o ro "$directory" "$root$directory"
done
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
"""


SCRIPT = """set -eu
cd {inside}
cmake -S . -B {build} -G Ninja -DSLUICE_TESTS=OFF > /dev/null
ninja -C {build} --quiet
python3 test/checks/symbols.py {build}/modules/*.so
python3 -m pytest test/e2e -q -rs --timeout 300 -p no:cacheprovider --build {build} \\
  --gotools {gotools} --autobahn {autobahn}
"""

CONFORMANCE = """set -eu
cd {inside}
export PATH="$PATH:{go}/bin" GOTOOLCHAIN=local
packaging/install-deps kube
python3 test/conformance/run.py --kit {kit} --build {build} --results build/conformance/{suite}
"""


def inside(root: Path, *command: str, seen: list[Path] | None = None) -> None:
    paths = " ".join(str(path) for path in seen or [])
    subprocess.run(
        ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(root), str(ROOT), paths, *command],
        check=True,
    )


def interpreter_of(suite: Path) -> list[Path]:
    """Where a virtual environment has its Python from."""
    python = suite / "bin/python"
    if not python.exists():
        return []
    command = [python, "-c", "import sys; sys.stdout.write(sys.base_prefix)"]
    return [Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout)]


def run_suite(suite: str, arguments: argparse.Namespace) -> None:
    root = make_chroot(suite, arguments.cache)
    inside(root, f"{INSIDE}/packaging/install-deps", "e2e")
    inside(root, "nginx", "-v")
    tools = {"gotools": arguments.gotools, "autobahn": arguments.autobahn}
    script = SCRIPT.format(inside=INSIDE, build=f"build/{suite}", **tools)
    seen = [*tools.values(), *interpreter_of(arguments.autobahn / "suite")]
    inside(root, "sh", "-c", script, seen=seen)


def run_conformance(suite: str, arguments: argparse.Namespace) -> None:
    told = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True)
    go = Path(told.stdout.strip())
    places = {"inside": INSIDE, "kit": arguments.kit, "build": f"build/{suite}", "go": go}
    script = CONFORMANCE.format(suite=suite, **places)
    inside(make_chroot(suite, arguments.cache), "sh", "-c", script, seen=[arguments.kit, go])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("--cache", "--gotools", "--autobahn"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument(
        "--kit", type=Path, help="of test/cluster; without it, no conformance suite"
    )
    parser.add_argument("suites", nargs="*", default=SUITES)
    arguments = parser.parse_args()
    failed = []
    for suite in arguments.suites:
        print(f"=== {suite}", flush=True)
        try:
            run_suite(suite, arguments)
            if arguments.kit and suite == arguments.suites[-1]:
                run_conformance(suite, arguments)
        except subprocess.CalledProcessError as problem:
            print(f"{suite} failed: {problem}", flush=True)
            failed.append(suite)
    print(f"{len(arguments.suites) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
