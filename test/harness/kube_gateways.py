"""Gateways in a cluster: what a test applies, and what it waits for."""

from harness.kubernetes import Namespace


def gateway(name: str, *addresses: dict, **spec) -> dict:
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    given = {"addresses": list(addresses)} if addresses else {}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name},
        "spec": {"gatewayClassName": "sluice", "listeners": listeners, **given, **spec},
    }


def route(name: str, parent: str, service: str) -> dict:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": parent}],
            "rules": [{"backendRefs": [{"name": service, "port": 80}]}],
        },
    }


def conditions(status: dict) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", [])}


def told(namespace: Namespace, name: str, **wanted: tuple[str, str]) -> dict:
    """The status of a Gateway, as soon as it has these conditions for its newest generation."""

    def there() -> dict | None:
        found = namespace.get("Gateway", name)
        status, generation = found.get("status", {}), found["metadata"]["generation"]
        shown = conditions(status)
        current = all(
            c.get("observedGeneration") == generation for c in status.get("conditions", [])
        )
        return status if current and all(shown.get(t) == w for t, w in wanted.items()) else None

    return namespace.wait_until(there, f"{wanted} of Gateway {name}")


def addresses(status: dict) -> list[str]:
    return [address["value"] for address in status.get("addresses", [])]


def programmed(namespace: Namespace, name: str) -> list[str]:
    status = told(
        namespace,
        name,
        Programmed=("True", "Programmed"),
        AddressesAssigned=("True", "AddressesAssigned"),
    )
    return addresses(status)


def wait_attached(namespace: Namespace, name: str, routes: int) -> None:
    """Until the status of a Gateway of one listener counts `routes`: the last that is written."""

    def counted() -> bool:
        (listener,) = namespace.get("Gateway", name)["status"]["listeners"]
        return listener["attachedRoutes"] == routes

    namespace.wait_until(counted, f"{routes} routes of Gateway {name}")


def answer(namespace: Namespace, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return namespace.run("curl", "-s", "--max-time", "5", f"http://{host}/").stdout


def wait_for_answer(namespace: Namespace, address: str, part: str) -> None:
    namespace.wait_until(lambda: part in answer(namespace, address), f"{part} of {address}")
