"""The Service that each Gateway has, on a real API server."""

from harness.kube_gateways import gateway, programmed, told

LABEL = "gateway.networking.k8s.io/gateway-name"
POOL = "10.250.48.0/24"


def services(namespace, name: str) -> list[dict]:
    return namespace.list("Service", f"{LABEL}={name}")


def service_of(namespace, name: str) -> dict:
    """The Service of a Gateway, once it is there."""
    (found,) = namespace.wait_until(lambda: services(namespace, name), f"a Service of {name}")
    return found


def wait_for_service(namespace, name: str, condition, what: str) -> dict:
    def there() -> dict | None:
        found = services(namespace, name)
        return found[0] if len(found) == 1 and condition(found[0]["metadata"]) else None

    return namespace.wait_until(there, what)


def test_a_service_has_the_metadata_of_the_infrastructure(namespace, make_sluice):
    make_sluice(POOL)
    infrastructure = {"labels": {"team": "a", "tier": "edge"}, "annotations": {"note": "one"}}
    namespace.apply(gateway("web", infrastructure=infrastructure))
    programmed(namespace, "web")
    made, uid = service_of(namespace, "web"), namespace.get("Gateway", "web")["metadata"]["uid"]
    assert made["metadata"]["name"] == f"web-{uid[:8]}"
    assert made["metadata"]["labels"] == {LABEL: "web", "team": "a", "tier": "edge"}
    assert made["metadata"]["annotations"]["note"] == "one"
    assert made["spec"]["clusterIP"] == "None" and "selector" not in made["spec"]
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Gateway", "web", uid)


def test_fields_of_others_stay_and_ours_are_repaired(namespace, make_sluice):
    make_sluice(POOL)
    namespace.apply(gateway("web", infrastructure={"labels": {"team": "a", "tier": "edge"}}))
    made = service_of(namespace, "web")
    foreign = {"foreign": "yes", "team": "stolen"}
    namespace.patch("Service", made["metadata"]["name"], {"metadata": {"labels": foreign}})
    wait_for_service(
        namespace,
        "web",
        lambda m: m["labels"] == {LABEL: "web", "team": "a", "tier": "edge", "foreign": "yes"},
        "the repaired label",
    )
    namespace.apply(gateway("web", infrastructure={"labels": {"team": "b"}}))
    wait_for_service(
        namespace,
        "web",
        lambda m: m["labels"] == {LABEL: "web", "team": "b", "foreign": "yes"},
        "the labels of the new generation",
    )
    namespace.delete("Service", made["metadata"]["name"])
    uid = made["metadata"]["uid"]
    wait_for_service(namespace, "web", lambda m: m["uid"] != uid, "another Service")


def test_a_service_goes_with_its_gateway_or_with_its_class(namespace, make_sluice):
    make_sluice(POOL)
    namespace.apply(gateway("deleted"), gateway("given-away"))
    for name in ("deleted", "given-away"):
        service_of(namespace, name)
    namespace.delete("Gateway", "deleted")
    namespace.patch("Gateway", "given-away", {"spec": {"gatewayClassName": "other"}})
    for name in ("deleted", "given-away"):
        namespace.wait_until(lambda name=name: not services(namespace, name), f"no Service: {name}")


def test_a_controller_that_starts_again_adopts_its_services(namespace, make_sluice):
    sluice = make_sluice(POOL)
    namespace.apply(gateway("web", infrastructure={"labels": {"team": "a"}}))
    programmed(namespace, "web")
    before = service_of(namespace, "web")["metadata"]
    sluice.kill_controller()
    sluice.start_controller()
    namespace.apply(gateway("other"))
    service_of(namespace, "other")
    assert service_of(namespace, "web")["metadata"]["resourceVersion"] == before["resourceVersion"]
    sluice.kill_controller()
    namespace.apply(gateway("web"))
    namespace.patch("Gateway", "other", {"spec": {"gatewayClassName": "other"}})
    sluice.start_controller()
    wait_for_service(namespace, "web", lambda m: "team" not in m["labels"], "no label")
    namespace.wait_until(lambda: not services(namespace, "other"), "no Service of other")


def test_a_gateway_of_the_longest_name_has_all_that_others_have(namespace, make_sluice):
    make_sluice(POOL)
    name = "gateway-name-maximum-length-".ljust(253, "a")
    namespace.apply(gateway(name))
    told(namespace, name, Programmed=("True", "Programmed"))

    def its_own() -> dict | None:
        for made in namespace.list("Service"):
            for owner in made["metadata"].get("ownerReferences", []):
                if owner["name"] == name:
                    return made
        return None

    made = namespace.wait_until(its_own, "a Service")
    assert len(made["metadata"]["name"]) == len(made["metadata"]["labels"][LABEL]) == 63
