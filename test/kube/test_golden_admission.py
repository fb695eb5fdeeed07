"""What files mode accepts and refuses is what a real API server accepts and refuses."""

from pathlib import Path

import pytest
import yaml
from cluster.api import Refusal
from harness.kubernetes import Namespace

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "test/golden"


def flattened(documents) -> list[dict]:
    things = []
    for document in documents:
        if document and document["kind"] == "List":
            things += flattened(document["items"])
        elif document:
            things.append(document)
    return things


def objects(case: Path) -> list[dict]:
    with (case / "in.yaml").open() as file:
        return flattened(yaml.safe_load_all(file))


def refused_here(case: Path) -> dict[str, list[str]]:
    """The fields that files mode names, by "Kind/namespace/name"."""
    with (case / "status.yaml").open() as file:
        told = (yaml.safe_load(file) or {}).get("problems") or []
    fields: dict[str, list[str]] = {}
    for problem in told:
        fields.setdefault(problem["object"], []).append(problem["field"])
    return fields


def name_of(thing: dict, namespaced: bool) -> str:
    space = thing["metadata"].get("namespace", "default")
    return "/".join([thing["kind"], *([space] if namespaced else []), thing["metadata"]["name"]])


@pytest.fixture
def admission(own_cluster, tmp_path) -> Namespace:
    """The bundle whose rules files mode follows, and the CRDs of Sluice."""
    made = Namespace(own_cluster, "default", tmp_path)
    made.wait_until(lambda: served(made), "the CRDs of Sluice to be served")
    return made


def served(admission: Namespace) -> bool:
    try:
        admission.list("Backend")
        admission.list("GatewayParameters")
    except Refusal:
        return False
    return True


def refusal_of(admission: Namespace, thing: dict) -> Refusal | None:
    """What the API server says to the object, which is not kept. One that is there is accepted."""
    kind = admission.kinds.of(thing)
    space = thing["metadata"].get("namespace", "default") if kind.namespaced else None
    try:
        admission.api.call("POST", kind.path(space, "") + "?dryRun=All", thing)
    except Refusal as refusal:
        return None if refusal.status == 409 else refusal
    return None


def test_every_golden_is_refused_and_accepted_as_there(admission):
    cases = sorted(path.parent for path in GOLDEN.glob("*/in.yaml"))
    things = {case: objects(case) for case in cases}
    spaces = {t["metadata"].get("namespace", "default") for ts in things.values() for t in ts}
    for space in spaces - {"default"}:
        admission.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    wrong, refused = [], 0
    for case in cases:
        here = refused_here(case)
        for thing in things[case]:
            name = name_of(thing, admission.kinds.of(thing).namespaced)
            there = refusal_of(admission, thing)
            refused += there is not None
            fields = there.fields if there else []
            # One that a rule and the schema forbid is named twice there.
            if (there is None) != (name not in here) or not set(here.get(name, [])) <= set(fields):
                wrong.append(f"{case.name}: {name}: here {here.get(name)}, there {there}")
    assert not wrong, "\n".join(wrong)
    assert refused > 10, "the comparison compares something"
