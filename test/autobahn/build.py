#!/usr/bin/env python3
"""Installs the Autobahn WebSocket test suite into a directory.

Usage: build.py DIRECTORY
The suite is written for Python 2.7; versions are those of requirements.txt. What is installed
already is not installed again. Where it cannot be had, DIRECTORY/missing says why, and so does its
test.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
VIRTUALENV = "virtualenv==20.21.1"  # the last one that makes environments of Python 2.7


def python27() -> str | None:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [shutil.which("python2.7"), *sorted(root.glob("versions/2.7*/bin/python2.7"))]
    for path in found:
        if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return str(path)
    return None


def install(directory: Path) -> str:
    """Why it did not work; empty when it did."""
    python = python27()
    if python is None:
        return "there is no python2.7"
    maker, made = directory / "virtualenv", directory / "suite"
    for command in (
        [sys.executable, "-m", "venv", maker],
        [maker / "bin/pip", "install", "--quiet", VIRTUALENV],
        [maker / "bin/virtualenv", "--quiet", "-p", python, made],
        [made / "bin/pip", "install", "--quiet", "-r", REQUIREMENTS],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = (done.stderr + done.stdout).strip().splitlines() or ["no message"]
            return f"{Path(command[0]).name}: {lines[-1]}"
    return ""


def main() -> int:
    directory = Path(sys.argv[1]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    stamp, missing = directory / "built", directory / "missing"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    for path in (stamp, missing):
        path.unlink(missing_ok=True)
    if reason := install(directory):
        missing.write_text(reason)
        print(f"the Autobahn test suite is not to be had: {reason}")
    else:
        stamp.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
