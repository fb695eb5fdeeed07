#!/usr/bin/env python3
"""Fails when a module exports more than nginx's three arrays, pins itself, or throws.

Usage: symbols.py MODULE.so...
"""

import subprocess
import sys

EXPORTS = {"ngx_modules", "ngx_module_names", "ngx_module_order"}
FORBIDDEN_IMPORTS = ("__cxa_throw", "__cxa_allocate_exception")


def symbols(module: str, *options: str) -> list[tuple[str, str]]:
    lines = subprocess.run(
        ["nm", "--dynamic", *options, module], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [
        (line.split()[-2], line.split()[-1].split("@")[0])
        for line in lines
        if len(line.split()) >= 2
    ]


def main(modules: list[str]) -> int:
    problems = []
    for module in modules:
        defined = symbols(module, "--defined-only")
        for kind, name in defined:
            if name not in EXPORTS and kind != "A":
                problems.append(f"{module}: exports {name}")
            if kind in "uU":
                problems.append(
                    f"{module}: {name} is a unique symbol, so nginx can't unload the module"
                )
        for name in EXPORTS - {name for _, name in defined}:
            problems.append(f"{module}: does not export {name}")
        for _, name in symbols(module, "--undefined-only"):
            if name in FORBIDDEN_IMPORTS:
                problems.append(f"{module}: imports {name}: our code throws somewhere")
    print(
        "\n".join(problems)
        if problems
        else f"symbols: {len(modules)} module(s) as nginx expects them"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
