"""Whether a run is a pass: nothing failed, and exactly the listed tests were skipped."""

from pathlib import Path

from conformance.events import Run

HERE = Path(__file__).resolve().parent


def listed_skips(suite: str, channel: str) -> list[str]:
    """The tests of a release of the suite that are not for this version of Sluice.

    A line is a test, followed by the channel when it is skipped with the bundle of that one alone.
    """
    text = (HERE / f"skips-{suite}.txt").read_text()
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return sorted(name for name, *only in rows if channel in (only or [channel]))


def problems(run: Run, skips: list[str] | None) -> list[str]:
    """What stands against the run, one a line; `skips` is None when only some tests were run."""
    found = [f"{name} failed" for name in run.of("fail")]
    found += [f"{name} did not end" for name in run.unfinished()]
    if not run.tests:
        found.append("no test was run")
    if skips is not None:
        found += [
            f"{name} is listed to be skipped and was not"
            for name in skips
            if run.tests.get(name) is None or run.tests[name].ending != "skip"
        ]
        found += [
            f"{name} was skipped and is not listed" for name in run.of("skip") if name not in skips
        ]
    if not found and not run.passed():
        found.append("the suite failed outside of its tests")
    return found
