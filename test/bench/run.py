#!/usr/bin/env python3
"""Runs every benchmark in this folder.

Usage: run.py --build DIRECTORY [--gotools DIRECTORY] [--kit DIRECTORY] [--quick]
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--gotools", default="")
    parser.add_argument("--kit", default="", help="of test/cluster; without it, none in a cluster")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    codes = []
    for script in sorted(HERE.glob("*_bench.py")):
        command = [sys.executable, str(script), "--build", arguments.build]
        command += ["--quick"] if arguments.quick else []
        if script.name == "feature_bench.py" and arguments.gotools:
            command += ["--gotools", arguments.gotools]
        if script.name == "kube_bench.py":
            if not arguments.kit:
                print("kube_bench.py: not run, --kit names no programs of a cluster")
                continue
            command += ["--kit", arguments.kit]
        codes.append(subprocess.run(command).returncode)
    sys.exit(max(codes))
