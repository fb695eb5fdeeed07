"""What counts as a pass of the conformance suite, and what is shown of a failure."""

import json

import pytest
from cluster.kit import build
from conformance import tables, verdict
from conformance.events import ROOT, Run, follow


def event(action: str, test: str = "", **more: object) -> str:
    return json.dumps({"Action": action, **({"Test": f"{ROOT}{test}"} if test else {}), **more})


def told(*events: str, suite: str = "pass") -> Run:
    run = Run()
    ends = [json.dumps({"Action": suite, "Test": ROOT}), json.dumps({"Action": suite})]
    list(follow([*events, *ends], run))
    return run


def test_a_run_without_failures_and_with_the_listed_skips_passes():
    run = told(event("pass", "/A/sub"), event("pass", "/A"), event("skip", "/B"))
    assert verdict.problems(run, ["B"]) == []


def test_a_skip_that_is_not_listed_is_a_problem_and_so_is_a_listed_test_that_ran():
    run = told(event("pass", "/A"), event("skip", "/B"))
    assert verdict.problems(run, ["A"]) == [
        "A is listed to be skipped and was not",
        "B was skipped and is not listed",
    ]
    assert verdict.problems(run, None) == []


def test_a_failed_test_and_one_that_never_ended_are_problems():
    run = told(event("fail", "/A"), event("run", "/B"), suite="fail")
    assert verdict.problems(run, []) == ["A failed", "B did not end"]


def test_a_suite_that_fails_before_its_tests_is_no_pass():
    assert verdict.problems(told(suite="fail"), []) == ["no test was run"]
    run = told(event("pass", "/A"), suite="fail")
    assert verdict.problems(run, []) == ["the suite failed outside of its tests"]
    assert verdict.problems(Run(), None) == ["no test was run"]


def test_a_failure_is_shown_without_its_repetitions():
    lines = [f"suite.go:7: 2026-01-01T00:00:0{n}.5Z: not yet, after {n}.1s\n" for n in range(9)]
    outputs = [event("output", "/A/sub", Output=line) for line in [*lines, "gave up\n"]]
    run = told(*outputs, event("fail", "/A", Elapsed=60.2), suite="fail")
    assert tables.failures(run) == ["--- A (60 s)", lines[0].strip(), "gave up"]


def test_a_report_becomes_a_table(tmp_path):
    report = tmp_path / "report.yaml"
    report.write_text(
        "profiles:\n"
        "- {name: GATEWAY-HTTP, core: {statistics: {Passed: 3, Failed: 1, Skipped: 0}},\n"
        "   extended: {statistics: {Passed: 64, Failed: 0, Skipped: 2}}}\n"
        "- {name: GATEWAY-GRPC, core: {statistics: {Passed: 5, Failed: 0, Skipped: 0}}}\n"
    )
    assert tables.profile_table(tables.profiles_of(report)) == [
        "profile       tests     passed  failed  skipped",
        "GATEWAY-GRPC  core           5       0        0",
        "GATEWAY-GRPC  extended       0       0        0",
        "GATEWAY-HTTP  core           3       1        0",
        "GATEWAY-HTTP  extended      64       0        2",
    ]


@pytest.mark.parametrize("suite", build.suites())
def test_each_suite_has_its_list_of_skips(suite):
    skips = verdict.listed_skips(suite, "standard")
    assert set(verdict.listed_skips(suite, "experimental")) <= set(skips)
    assert len(set(skips)) == len(skips) > 20
    others = [name for name in skips if not name.startswith("Mesh")]
    # The standard bundle of v1.6.3 has no retries.
    assert others == (["HTTPRouteRetry"] if suite == "v1.6.3" else [])
