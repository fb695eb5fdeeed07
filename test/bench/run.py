#!/usr/bin/env python3
"""Runs every benchmark in this folder.

Usage: run.py --build DIRECTORY [--gotools DIRECTORY] [--quick]
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
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    codes = []
    for script in sorted(HERE.glob("*_bench.py")):
        command = [sys.executable, str(script), "--build", arguments.build]
        command += ["--quick"] if arguments.quick else []
        if script.name == "feature_bench.py" and arguments.gotools:
            command += ["--gotools", arguments.gotools]
        codes.append(subprocess.run(command).returncode)
    sys.exit(max(codes))
