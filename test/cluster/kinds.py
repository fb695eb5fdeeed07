"""Which path of the API server serves which kind, as the API server itself says."""

from dataclasses import dataclass

from cluster.api import Api, Refusal

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True)
class Kind:
    api_version: str
    name: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, name: str = "") -> str:
        """Of one object; of all of them in the namespace without a name."""
        start = "/api/" if "/" not in self.api_version else "/apis/"
        space = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{start}{self.api_version}{space}/{self.plural}{'/' + name if name else ''}"


class Kinds:
    def __init__(self, api: Api):
        self.api = api
        self.known: dict[tuple[str, str], Kind] = {}

    def find(self, name: str, api_version: str | None = None) -> Kind:
        """A kind by its name, in its preferred version unless one is named; LookupError if none."""
        for look_again in (True, False):
            matching = [
                kind
                for kind in self.known.values()
                if kind.name == name and api_version in (None, kind.api_version)
            ]
            if matching:
                return matching[0]
            if look_again:
                self._discover()
        raise LookupError(f"the API server serves no {api_version or ''} {name}")

    def of(self, thing: dict) -> Kind:
        return self.find(thing["kind"], thing["apiVersion"])

    def _discover(self) -> None:
        self.known.clear()
        for root in ("/api", "/apis"):
            try:
                groups = self.api.call("GET", root, accept=DISCOVERY)["items"]
            except Refusal as refusal:
                raise LookupError(f"discovery: {refusal}") from refusal
            for group in groups:
                for version in group["versions"]:
                    name = group["metadata"].get("name", "")
                    self._add(f"{name}/{version['version']}".lstrip("/"), version["resources"])

    def _add(self, api_version: str, resources: list[dict]) -> None:
        for resource in resources:
            kind = resource.get("responseKind", {}).get("kind", "")
            namespaced = resource["scope"] == "Namespaced"
            found = Kind(api_version, kind, resource["resource"], namespaced)
            self.known.setdefault((api_version, kind), found)
