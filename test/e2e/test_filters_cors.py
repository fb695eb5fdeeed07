"""CORS: preflights are answered here, actual requests are told what the filter says."""

import pytest
from harness.curl import Reply, curl
from harness.manifests import (
    backend,
    backend_ref,
    cors_filter,
    documents,
    redirect_filter,
    route,
    rule,
)
from harness.net import free_port
from harness.raw_backend import RawBackend
from harness.versions import VERSIONS, gateway_for


@pytest.fixture
def raw(keep):
    return keep(RawBackend())


FILTERS = {
    "/lists": cors_filter(
        allowOrigins=["https://www.foo.com", "https://www.bar.com", "https://*.bar.com"],
        allowMethods=["GET", "OPTIONS"],
        allowHeaders=["x-header-1", "x-header-2"],
        exposeHeaders=["x-header-3", "x-header-4"],
        allowCredentials=True,
        maxAge=3600,
    ),
    "/methods": cors_filter(allowOrigins=["https://www.foo.com"], allowMethods=["*"]),
    "/origins": cors_filter(allowOrigins=["*"], allowMethods=["PUT"]),
    "/credentials": cors_filter(
        allowOrigins=["*"],
        allowMethods=["*"],
        allowHeaders=["*"],
        exposeHeaders=["*"],
        allowCredentials=True,
    ),
    "/everything": cors_filter(
        allowOrigins=["*"], allowMethods=["*"], allowHeaders=["*"], exposeHeaders=["*"]
    ),
}


@pytest.fixture
def version() -> str:
    """Of the client; tests of every one of them have a parameter of this name."""
    return "http1"


@pytest.fixture
def sluice(make_sluice, raw, version):
    running = make_sluice()
    running.port = free_port()
    rules = [rule(backend_ref("raw"), path=path, filters=[cors]) for path, cors in FILTERS.items()]
    rules.append(
        rule(
            path="/moved",
            filters=[FILTERS["/lists"], redirect_filter(hostname="example.org", port=80)],
        )
    )
    rules.append(rule(backend_ref("none"), path="/none", filters=[FILTERS["/lists"]]))
    running.write(
        "all.yaml",
        documents(
            gateway_for(version, running.port),
            backend("raw", raw.port),
            route("r", rules),
        ),
    )
    running.start()
    return running


def preflight(
    sluice, path: str, origin: str, version: str, method: str = "GET", headers: str = ""
) -> Reply:
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers:
        fields.append(("Access-Control-Request-Headers", headers))
    answer = curl(sluice.port, path, version, method="OPTIONS", headers=fields)
    assert answer.status == 204
    assert answer.body == b""
    assert answer.all("content-length") == []
    return answer


def told(answer: Reply) -> dict[str, list[str]]:
    names = ["allow-origin", "allow-credentials", "expose-headers"]
    names += ["allow-methods", "allow-headers", "max-age"]
    found = {name: answer.all(f"access-control-{name}") for name in names}
    return {name: values for name, values in found.items() if values}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "origin", ["https://www.foo.com", "https://www.bar.com", "https://xpto.www.bar.com"]
)
def test_a_preflight_is_answered_without_the_backend(sluice, raw, version, origin):
    answer = preflight(sluice, "/lists", origin, version, "GET", "x-header-1, x-header-2")
    assert told(answer) == {
        "allow-origin": [origin],
        "allow-credentials": ["true"],
        "expose-headers": ["x-header-3, x-header-4"],
        "allow-methods": ["GET, OPTIONS"],
        "allow-headers": ["x-header-1, x-header-2"],
        "max-age": ["3600"],
    }
    assert answer.all("vary") == ["Origin"]
    assert raw.requests == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_foreign_origin_is_told_nothing(sluice, raw, version):
    for origin in ("https://foobar.com", "http://www.foo.com", "https://bar.com", "null"):
        assert told(preflight(sluice, "/lists", origin, version)) == {}
    assert raw.requests == []
    raw.fields = [("Access-Control-Allow-Origin", "*")]
    actual = curl(sluice.port, "/lists", version, headers=[("Origin", "https://foobar.com")])
    assert (actual.status, actual.body, told(actual)) == (200, b"raw", {})
    assert actual.all("vary") == ["Origin"]


@pytest.mark.parametrize("version", VERSIONS)
def test_actual_requests_pass_and_are_told(sluice, raw, version):
    for origin in ("https://www.foo.com", "https://www.bar.com"):
        actual = curl(sluice.port, "/lists", version, headers=[("Origin", origin)])
        assert (actual.status, actual.body) == (200, b"raw")
        assert told(actual) == {
            "allow-origin": [origin],
            "allow-credentials": ["true"],
            "expose-headers": ["x-header-3, x-header-4"],
        }
        assert raw.last().all("origin") == [origin]
    without = curl(sluice.port, "/lists", version)
    assert (without.status, told(without), without.all("vary")) == (200, {}, ["Origin"])


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_backend_says_itself_is_replaced(sluice, raw, version):
    raw.fields = [
        ("Access-Control-Allow-Origin", "https://backend"),
        ("access-control-allow-origin", "https://again"),
        ("Access-Control-Allow-Credentials", "false"),
        ("Access-Control-Max-Age", "1"),
        ("Vary", "Accept, origin"),
    ]
    actual = curl(sluice.port, "/lists", version, headers=[("Origin", "https://www.foo.com")])
    assert told(actual) == {
        "allow-origin": ["https://www.foo.com"],
        "allow-credentials": ["true"],
        "expose-headers": ["x-header-3, x-header-4"],
    }
    assert actual.all("vary") == ["Accept, origin"]


@pytest.mark.parametrize("version", VERSIONS)
def test_any_method_without_credentials(sluice, version):
    answer = preflight(sluice, "/methods", "https://www.foo.com", version, "POST")
    assert told(answer) == {
        "allow-origin": ["https://www.foo.com"],
        "allow-methods": ["*"],
        "max-age": ["5"],
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_any_origin_without_credentials(sluice, version):
    for origin in ("https://www.foo.com", "https://other.foo.com:12345", "null"):
        answer = preflight(sluice, "/origins", origin, version, "PUT")
        assert told(answer) == {
            "allow-origin": ["*"],
            "allow-methods": ["PUT"],
            "max-age": ["5"],
        }
        actual = curl(
            sluice.port, "/origins", version, method="PUT", headers=[("Origin", origin)], body=b"x"
        )
        assert (actual.status, told(actual)) == (200, {"allow-origin": ["*"]})
        assert actual.all("vary") == []


@pytest.mark.parametrize("version", VERSIONS)
def test_with_credentials_no_wildcard_is_said(sluice, raw, version):
    origin = "https://other.foo.com:12345"
    answer = preflight(sluice, "/credentials", origin, version, "PUT", "x-header-1, x-header-2")
    assert told(answer) == {
        "allow-origin": [origin],
        "allow-credentials": ["true"],
        "allow-methods": ["PUT"],
        "allow-headers": ["x-header-1, x-header-2"],
        "max-age": ["5"],
        "expose-headers": answer.all("access-control-expose-headers"),
    }
    assert "*" not in "".join(answer.all("access-control-expose-headers"))
    raw.fields = [("X-Answer", "1"), ("X-Second", "2")]
    actual = curl(sluice.port, "/credentials", version, headers=[("Origin", origin)])
    assert told(actual)["allow-origin"] == [origin]
    assert told(actual)["allow-credentials"] == ["true"]
    (exposed,) = told(actual)["expose-headers"]
    assert {"X-Answer", "X-Second"} <= set(exposed.split(", "))


@pytest.mark.parametrize("version", VERSIONS)
def test_without_credentials_wildcards_are_said(sluice, version):
    answer = preflight(sluice, "/everything", "https://a.com", version, "PUT", "authorization")
    assert told(answer) == {
        "allow-origin": ["*"],
        "allow-methods": ["*"],
        "allow-headers": ["authorization"],
        "expose-headers": ["*"],
        "max-age": ["5"],
    }
    actual = curl(sluice.port, "/everything", version, headers=[("Origin", "https://a.com:12345")])
    assert (actual.status, actual.body) == (200, b"raw")
    assert told(actual) == {"allow-origin": ["*"], "expose-headers": ["*"]}


def test_an_options_request_that_is_no_preflight_passes(sluice, raw):
    headers = [("Origin", "https://www.foo.com")]
    answer = curl(sluice.port, "/lists", method="OPTIONS", headers=headers)
    assert (answer.status, answer.body) == (200, b"raw")
    assert raw.last().method == "OPTIONS"
    assert told(answer)["allow-origin"] == ["https://www.foo.com"]


def test_redirects_and_errors_are_told_too(sluice):
    headers = [("Origin", "https://www.foo.com")]
    moved = curl(sluice.port, "/moved", headers=headers)
    assert (moved.status, told(moved)["allow-origin"]) == (302, ["https://www.foo.com"])
    assert preflight(sluice, "/moved", "https://www.foo.com", "http1").all("location") == []
    broken = curl(sluice.port, "/none", headers=headers)
    assert (broken.status, told(broken)["allow-origin"]) == (500, ["https://www.foo.com"])
