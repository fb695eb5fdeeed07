#!/usr/bin/env python3
"""Builds the test tools of this module (h2spec, grpcurl, grpcpeer) into a directory.

Usage: build.py DIRECTORY
Their versions and checksums are those of go.mod and go.sum; where modules come from is for go's own
settings (GOPROXY, GOFLAGS) to say. What is built already is not built again. Where they cannot be
had, DIRECTORY/missing says why, and the tests that want them say it too; a module that is there and
does not build is an error.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = [
    "./grpcpeer",
    "github.com/fullstorydev/grpcurl/cmd/grpcurl",
    "github.com/summerwind/h2spec/cmd/h2spec",
]


def digest() -> str:
    sources = [HERE / "go.mod", HERE / "go.sum", *sorted(HERE.glob("*/*.go"))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def why_not() -> str:
    """Why the modules cannot be had here; empty when they can."""
    try:
        done = subprocess.run(["go", "mod", "download"], cwd=HERE, capture_output=True, text=True)
    except FileNotFoundError:
        return "go is not installed"
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines() or ["no message"]
    return f"go mod download: {lines[-1].strip()}"


def main() -> int:
    directory = Path(sys.argv[1]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    stamp, missing = directory / "built", directory / "missing"
    if stamp.exists() and stamp.read_text() == digest():
        return 0
    for path in (stamp, missing):
        path.unlink(missing_ok=True)
    if reason := why_not():
        missing.write_text(reason)
        print(f"h2spec, grpcurl and grpcpeer are not to be had: {reason}")
        return 0
    command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", f"{directory}/", *PROGRAMS]
    built = subprocess.run(command, cwd=HERE, env={**os.environ, "CGO_ENABLED": "0"})
    if built.returncode == 0:
        stamp.write_text(digest())
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
