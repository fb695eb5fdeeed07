"""What `go test -json` tells of one run of the suite."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

ROOT = "TestConformance"
ENDINGS = ("pass", "fail", "skip")


@dataclass
class Result:
    """One test of the suite, with all of its subtests."""

    name: str
    ending: str = ""  # one of ENDINGS; empty when the run ended before the test did
    seconds: float = 0.0
    log: list[str] = field(default_factory=list)


@dataclass
class Run:
    """The suite itself and its tests by name, in the order in which they began."""

    whole: Result = field(default_factory=lambda: Result(ROOT))
    tests: dict[str, Result] = field(default_factory=dict)
    ended: bool = False  # the program said how it ended

    def of(self, ending: str) -> list[str]:
        return sorted(name for name, test in self.tests.items() if test.ending == ending)

    def unfinished(self) -> list[str]:
        return self.of("")

    def passed(self) -> bool:
        return self.ended and self.whole.ending == "pass"


def follow(lines: Iterable[str], run: Run) -> Iterator[Result]:
    """Takes the events into `run`; yields each test of the suite as it ends."""
    for line in lines:
        event = json.loads(line)
        action, path = event["Action"], event.get("Test", "").split("/")
        if path == [""]:
            run.ended = run.ended or action in ENDINGS
            if action == "output":  # a panic, or what the program said before the first test
                run.whole.log.append(event["Output"])
            continue
        test = run.whole
        if path[0] == ROOT and len(path) > 1:
            test = run.tests.setdefault(path[1], Result(path[1]))
        if action == "output":
            test.log.append(event["Output"])
        elif action in ENDINGS and len(path) <= 2:
            test.ending, test.seconds = action, event.get("Elapsed", 0.0)
            if test is not run.whole:
                yield test
