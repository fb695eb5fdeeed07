"""Rules of HTTPRoutes and GRPCRoutes by what they ask, and routes by what they attach to."""

import json
from collections.abc import Callable

from harness.manifests import backend_ref, route


def to(name: str, *matches: dict) -> dict:
    rule = {"backendRefs": [backend_ref(name)]}
    return {**rule, "matches": list(matches)} if matches else rule


def exact(value: str, **more) -> dict:
    return {"path": {"type": "Exact", "value": value}, **more}


def prefix(value: str, **more) -> dict:
    return {"path": {"type": "PathPrefix", "value": value}, **more}


def headers(**values: str) -> list[dict]:
    return [{"name": name, "value": value} for name, value in values.items()]


def fields(**values: str) -> dict:
    return {"headers": headers(**values)}


def query(**values: str) -> dict:
    return {"queryParams": headers(**values)}


def http_listener(name: str, port: int, hostname: str | None = None, **more) -> dict:
    listener = {"name": name, "protocol": "HTTP", "port": port, **more}
    return {**listener, "hostname": hostname} if hostname else listener


def attached(
    name: str,
    rules: list[dict],
    *parents: dict,
    hostnames: list[str] | None = None,
    created: int | None = None,
    make: Callable[[str, list[dict]], str] = route,
) -> str:
    """A route with parents as in the spec, made on a day of its own."""
    made = json.loads(make(name, rules))
    made["spec"]["parentRefs"] = list(parents)
    if hostnames:
        made["spec"]["hostnames"] = hostnames
    if created:
        made["metadata"]["creationTimestamp"] = f"2026-01-{created:02}T00:00:00Z"
    return json.dumps(made)
