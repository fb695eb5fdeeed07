#!/usr/bin/env python3
"""Builds the programs of a Kubernetes cluster from this Go module, and prints their directory.

Usage: build.py [PARENT]     PARENT of the directory; default: ~/.cache/sluice/cluster
The directory is named after all that goes in, so it can be kept and shared, and what is built
already is not built again. The first time takes 7 to 12 minutes and runs as nicely as it can; two
that want it at once build it once. Versions and checksums are those of the .mod and .sum files;
where modules come from is for go's own settings (GOPROXY, GOFLAGS) to say.
Exit code 3: the last line of the error output says what is missing here.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sluice"
FACES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
SUITES = ("go.mod", "older.mod")  # one conformance suite each, on the same dependencies
API = "sigs.k8s.io/gateway-api"
MISSING = 3
ENVIRONMENT = {
    "CGO_ENABLED": "0",  # static programs: the root directory of a Pod holds nothing else
    "GOTOOLCHAIN": "auto",  # the one that go.mod names
}


class Missing(Exception):
    """What the build needs and this machine does not have."""


def release(module: str, modfile: str = "go.mod") -> str:
    """The version of a module that a .mod file names."""
    found = re.search(rf"^\t{re.escape(module)} (v\S+)", (HERE / modfile).read_text(), re.M)
    assert found, f"{modfile} does not name {module}"
    return found[1]


def suites() -> list[str]:
    """The versions of the conformance suites, newest first; each has a directory in the kit."""
    return [release(f"{API}/conformance", modfile) for modfile in SUITES]


def digest() -> str:
    inputs = [Path(__file__), *sorted(HERE.glob("*.mod")), *sorted(HERE.glob("*.sum"))]
    inputs += sorted(HERE.glob("*/*.go"))
    parts = [platform.machine().encode(), *(path.read_bytes() for path in inputs)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def directory(parent: Path = CACHE / "cluster") -> Path:
    """Where the programs of these inputs are, or would be."""
    return parent / digest()


def go(work: Path, *words: str, **more) -> subprocess.CompletedProcess:
    """Runs go with its temporary files in `work`; it ends with this process."""
    environment = {**os.environ, **ENVIRONMENT, "GOTMPDIR": str(work)}
    command = ["setpriv", "--pdeathsig", "TERM", "nice", "-n", "19", "go", *words]
    return subprocess.run(command, cwd=HERE, env=environment, text=True, **more)


def check_modules(work: Path) -> None:
    """Fetches the compiler and all modules; what cannot be had is no error of the build."""
    if not shutil.which("go"):
        raise Missing("go is not installed (1.21 or newer, which fetches the rest)")
    for modfile in SUITES:
        words = ["list", f"-modfile={modfile}", "-deps", "-test", "./..."]
        listed = go(work, *words, capture_output=True)
        if listed.returncode:
            lines = listed.stderr.strip().splitlines() or ["no message"]
            raise Missing(f"go list -modfile={modfile}: {lines[-1].strip()}")


def stamps() -> str:
    """Linker flags that tell the programs the version they are built from."""
    version = release("k8s.io/kubernetes")
    major, minor, _ = version[1:].split(".")
    names = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(f"-X k8s.io/component-base/version.{key}={text}" for key, text in names.items())


def link(work: Path, modfile: str, out: Path, package: str, flags: str = "") -> None:
    test = ["test", "-c"] if package == "./suite" else ["build"]
    options = [f"-modfile={modfile}", "-trimpath", "-buildvcs=false", f"-ldflags=-s -w {flags}"]
    print(f"building {out.name} ({modfile})", file=sys.stderr, flush=True)
    go(work, *test, *options, "-o", str(out), package, check=True, stdout=sys.stderr)


def fill(work: Path, kit: Path) -> None:
    link(work, "go.mod", kit / "kube", "./kube", stamps())
    for face in FACES:
        (kit / face).symlink_to("kube")
    link(work, "go.mod", kit / "dns", "./dns")
    for modfile, version in zip(SUITES, suites(), strict=True):
        place = kit / version
        place.mkdir()
        link(work, modfile, place / "echo-basic", "tool")
        link(work, modfile, place / "conformance.test", "./suite")
        words = ["list", f"-modfile={modfile}", "-m", "-f", "{{.Dir}}", API]
        found = go(work, *words, check=True, stdout=subprocess.PIPE)
        shutil.copytree(Path(found.stdout.strip()) / "config/crd", place / "crd")
        for path in [place / "crd", *(place / "crd").rglob("*")]:
            path.chmod(path.stat().st_mode | 0o200)  # the module cache is read-only


def build(parent: Path = CACHE / "cluster") -> Path:
    """The directory, filled; Missing or CalledProcessError when that does not work."""
    made = directory(parent)
    if made.exists():
        return made
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            work = parent / "work"
            shutil.rmtree(work, ignore_errors=True)
            (work / "kit").mkdir(parents=True)
            check_modules(work)
            fill(work, work / "kit")
            (work / "kit").rename(made)
            shutil.rmtree(work)
    return made


def main() -> int:
    try:
        print(build(*(Path(word).resolve() for word in sys.argv[1:2])))
    except Missing as reason:
        print(f"the cluster's programs are not to be had: {reason}", file=sys.stderr)
        return MISSING
    except subprocess.CalledProcessError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
