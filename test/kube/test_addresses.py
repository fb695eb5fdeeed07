"""Addresses of Gateways out of a pool, on a real API server."""

import ipaddress
import itertools

from harness.kube_gateways import (
    addresses,
    answer,
    gateway,
    programmed,
    route,
    told,
    wait_attached,
    wait_for_answer,
)
from harness.kube_pods import serve
from harness.kube_sluice import KubeSluice

NETWORKS = itertools.count(16)  # 10.250.N.0: each test has one of its own


def network(prefix: int = 28) -> str:
    return f"10.250.{next(NETWORKS)}.0/{prefix}"


def test_each_gateway_has_an_address_of_its_own_and_serves_there(namespace, make_sluice):
    pool = network()
    make_sluice(pool)
    found = []
    for name in ("blue", "green"):
        serve(namespace, name, 1)
        namespace.apply(gateway(name), route(name, name, name))
    for name in ("blue", "green"):
        (address,) = programmed(namespace, name)
        assert ipaddress.ip_address(address) in ipaddress.ip_network(pool)
        wait_for_answer(namespace, address, f'"{name}-')
        found.append(address)
    assert len(set(found)) == 2


def test_a_controller_that_starts_again_gives_the_same_addresses(namespace, make_sluice):
    sluice = make_sluice(network())
    serve(namespace, "blue", 1)
    # By their age and by their names they would get others.
    before = {}
    for name in ("c", "a", "b"):
        namespace.apply(gateway(name), route(name, name, "blue"))
        before[name] = programmed(namespace, name)
    namespace.delete("Gateway", "c")
    namespace.wait_until(lambda: "blue" not in answer(namespace, before["c"][0]), "no answer")
    for name in ("a", "b"):
        wait_for_answer(namespace, before[name][0], "blue")
        wait_attached(namespace, name, 1)
    versions = {n: namespace.get("Gateway", n)["metadata"]["resourceVersion"] for n in ("a", "b")}
    sluice.kill_controller()
    sluice.start_controller()
    namespace.apply(gateway("d"))
    (new,) = programmed(namespace, "d")
    assert new not in before["a"] + before["b"]
    for name in ("a", "b"):
        found = namespace.get("Gateway", name)
        assert addresses(found["status"]) == before[name]
        assert found["metadata"]["resourceVersion"] == versions[name], "written again"
        assert "blue" in answer(namespace, before[name][0])


def test_a_gateway_that_goes_frees_its_address_for_who_waits(namespace, make_sluice):
    make_sluice(network(32).replace(".0/", ".1/"))
    serve(namespace, "blue", 1)
    namespace.apply(gateway("first"), route("first", "first", "blue"))
    (address,) = programmed(namespace, "first")
    namespace.apply(gateway("second"), route("second", "second", "blue"))
    status = told(
        namespace,
        "second",
        Programmed=("False", "AddressNotAssigned"),
        AddressesAssigned=("False", "NotAssigned"),
    )
    (message,) = [c["message"] for c in status["conditions"] if c["type"] == "Programmed"]
    assert message == f"no IPv4 address is left in the pool {address}/32"
    assert addresses(status) == []
    namespace.delete("Gateway", "first")
    assert programmed(namespace, "second") == [address]
    wait_for_answer(namespace, address, "blue")


def test_static_addresses_are_usable_or_named(namespace, make_sluice):
    pool = ipaddress.ip_network(network())
    make_sluice(str(pool))
    usable, unusable = {"value": str(pool[5])}, {"value": "198.51.100.7"}
    fake = {"type": "test/fake-invalid-type", "value": "fake address"}
    serve(namespace, "blue", 1)
    namespace.apply(gateway("web", fake, unusable, usable), route("web", "web", "blue"))
    told(namespace, "web", Accepted=("False", "UnsupportedAddress"))
    namespace.apply(gateway("web", unusable, usable))
    status = told(
        namespace,
        "web",
        Accepted=("True", "Accepted"),
        Programmed=("False", "AddressNotUsable"),
        AddressesAssigned=("False", "PartiallyAssigned"),
    )
    assert addresses(status) == [usable["value"]]
    namespace.apply(gateway("web", usable))
    assert programmed(namespace, "web") == [usable["value"]]
    wait_for_answer(namespace, usable["value"], "blue")
    namespace.apply(gateway("younger", usable))
    told(namespace, "younger", Programmed=("False", "AddressNotUsable"))
    namespace.apply(gateway("third", {"type": "IPAddress"}))
    assert programmed(namespace, "third") != [usable["value"]]


def test_pools_of_both_families_give_an_address_of_each(namespace, make_sluice):
    make_sluice(network(), f"fd00:10:250::{next(NETWORKS):x}00/120")
    serve(namespace, "blue", 1)
    namespace.apply(gateway("web"), route("web", "web", "blue"))
    both = programmed(namespace, "web")
    assert [ipaddress.ip_address(address).version for address in both] == [4, 6]
    for address in both:
        wait_for_answer(namespace, address, "blue")


def test_who_takes_over_gives_the_addresses_that_were_given(namespace, make_sluice, tmp_path):
    pool = network()
    first = make_sluice(pool)
    namespace.apply(gateway("gone"), gateway("kept"))
    before = {name: programmed(namespace, name) for name in ("gone", "kept")}
    namespace.delete("Gateway", "gone")
    second = KubeSluice(namespace, first.build, tmp_path / "second", pools=(pool,))
    second.start_controller()
    for name in ("c", "a", "b"):
        namespace.apply(gateway(name))
        before[name] = programmed(namespace, name)
    first.kill_controller()
    # The workers are of the first one, so the second one has none and says so.
    for name in ("kept", "c", "a", "b"):
        status = told(namespace, name, Programmed=("False", "Pending"))
        assert addresses(status) == before[name]
