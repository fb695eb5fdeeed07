#!/usr/bin/env python3
"""Runs every benchmark in this folder. Usage: run.py --build DIRECTORY [--quick]"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

if __name__ == "__main__":
    codes = [
        subprocess.run([sys.executable, str(script), *sys.argv[1:]]).returncode
        for script in sorted(HERE.glob("*_bench.py"))
    ]
    sys.exit(max(codes))
