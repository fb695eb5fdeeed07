"""Manifests as text: what a user would write by hand."""

import json


def gateway(
    port: int, name: str = "web", namespace: str = "default", hostname: str | None = None
) -> str:
    host = f"\n      hostname: {json.dumps(hostname)}" if hostname else ""
    return f"""apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  gatewayClassName: sluice
  listeners:
    - name: http
      protocol: HTTP
      port: {port}{host}
      allowedRoutes: {{namespaces: {{from: All}}}}
"""


def backend(name: str, *ports: int, address: str = "127.0.0.1", namespace: str = "default") -> str:
    endpoints = ", ".join(f"{{address: {address}, port: {port}}}" for port in ports)
    return f"""apiVersion: sluice.dev/v1alpha1
kind: Backend
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{endpoints: [{endpoints}]}}
"""


def backend_ref(name: str, weight: int = 1) -> dict:
    return {"group": "sluice.dev", "kind": "Backend", "name": name, "weight": weight}


def route(
    name: str,
    rules: list[dict],
    hostnames: list[str] | None = None,
    gateway: str = "web",
    namespace: str = "default",
) -> str:
    """One HTTPRoute; a rule is {"matches": [...], "backendRefs": [...]} as in the spec."""
    spec = {"parentRefs": [{"name": gateway}], "rules": rules}
    if hostnames:
        spec["hostnames"] = hostnames
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        },
        indent=2,
    )


def documents(*texts: str) -> str:
    return "---\n".join(text if text.endswith("\n") else text + "\n" for text in texts)
