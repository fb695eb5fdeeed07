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


def stream_route(
    kind: str,
    name: str,
    *backends: dict,
    listener: str | None = None,
    hostnames: list[str] | None = None,
    created: str | None = None,
    gateway: str = "web",
) -> str:
    """A TLSRoute, TCPRoute or UDPRoute of one rule."""
    parent = {"name": gateway, **({"sectionName": listener} if listener else {})}
    metadata = {"name": name, "namespace": "default"}
    if created:
        metadata["creationTimestamp"] = created
    spec: dict = {"parentRefs": [parent], "rules": [{"backendRefs": list(backends)}]}
    if hostnames:
        spec["hostnames"] = hostnames
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": kind,
            "metadata": metadata,
            "spec": spec,
        }
    )


def documents(*texts: str) -> str:
    return "---\n".join(text if text.endswith("\n") else text + "\n" for text in texts)


def parameters(
    name: str = "edge",
    client_address: dict | None = None,
    limits: dict | None = None,
    namespace: str = "default",
    relay: dict | None = None,
) -> str:
    spec: dict = {}
    if client_address is not None:
        spec["clientAddress"] = client_address
    if limits is not None:
        spec["limits"] = limits
    if relay is not None:
        spec["relay"] = relay
    return json.dumps(
        {
            "apiVersion": "sluice.dev/v1alpha1",
            "kind": "GatewayParameters",
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        }
    )


def parameters_ref(name: str = "edge", **more: str) -> dict:
    return {"group": "sluice.dev", "kind": "GatewayParameters", "name": name, **more}


def rule(
    *backends: dict, path: str | None = None, filters: list[dict] | None = None, **more: object
) -> dict:
    """One rule of an HTTPRoute, of a PathPrefix; `more` are further fields, as in the spec."""
    fields: dict = {**more}
    if backends:
        fields["backendRefs"] = list(backends)
    if path:
        fields["matches"] = [{"path": {"type": "PathPrefix", "value": path}}]
    if filters:
        fields["filters"] = filters
    return fields


def header_filter(
    direction: str,
    put: dict[str, str] | None = None,
    add: dict[str, str] | None = None,
    remove: list[str] | None = None,
) -> dict:
    """A RequestHeaderModifier or ResponseHeaderModifier; `direction`: "request" or "response"."""
    edits: dict = {}
    if put:
        edits["set"] = [{"name": name, "value": value} for name, value in put.items()]
    if add:
        edits["add"] = [{"name": name, "value": value} for name, value in add.items()]
    if remove:
        edits["remove"] = remove
    kind = f"{direction.capitalize()}HeaderModifier"
    return {"type": kind, kind[0].lower() + kind[1:]: edits}


def path_edit(full: str | None = None, prefix: str | None = None) -> dict:
    """`path` of a redirect or a rewrite."""
    if full is not None:
        return {"type": "ReplaceFullPath", "replaceFullPath": full}
    return {"type": "ReplacePrefixMatch", "replacePrefixMatch": prefix}


def redirect_filter(**fields: object) -> dict:
    return {"type": "RequestRedirect", "requestRedirect": fields}


def rewrite_filter(**fields: object) -> dict:
    return {"type": "URLRewrite", "urlRewrite": fields}


def mirror_filter(backend_name: str, **fields: object) -> dict:
    reference = backend_ref(backend_name)
    del reference["weight"]
    return {"type": "RequestMirror", "requestMirror": {"backendRef": reference, **fields}}


def cors_filter(**fields: object) -> dict:
    return {"type": "CORS", "cors": fields}


def service(name: str, *ports: int, app_protocol: str | None = None) -> str:
    """A Service of one port, and a slice for each endpoint of 127.0.0.1."""
    port: dict = {"name": "main", "port": 80}
    if app_protocol:
        port["appProtocol"] = app_protocol
    metadata = {"name": name, "namespace": "default"}
    objects = [{"apiVersion": "v1", "kind": "Service", "metadata": metadata}]
    objects[0]["spec"] = {"ports": [port]}
    for index, number in enumerate(ports):
        objects.append(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-{index}",
                    "namespace": "default",
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "ports": [{"name": "main", "port": number, "protocol": "TCP"}],
                "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
            }
        )
    return documents(*(json.dumps(each, indent=2) for each in objects))


def service_ref(name: str, weight: int = 1) -> dict:
    return {"name": name, "port": 80, "weight": weight}


def service_mirror_filter(name: str) -> dict:
    reference = service_ref(name)
    del reference["weight"]
    return {"type": "RequestMirror", "requestMirror": {"backendRef": reference}}


def grpc_route(name: str, rules: list[dict], gateway: str = "web") -> str:
    """One GRPCRoute of all hosts; a rule is as in the spec."""
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GRPCRoute",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"parentRefs": [{"name": gateway}], "rules": rules},
        },
        indent=2,
    )


def config_map(name: str, pem: str, namespace: str = "default") -> str:
    """A ConfigMap with the certificates of authorities."""
    metadata = {"name": name, "namespace": namespace}
    return json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": pem}}
    )


def trust_bundle(name: str, pem: str) -> str:
    """A ClusterTrustBundle with the certificates of authorities."""
    return json.dumps(
        {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "ClusterTrustBundle",
            "metadata": {"name": name},
            "spec": {"trustBundle": pem},
        }
    )


def trust_bundle_ref(name: str) -> dict:
    return {"group": "certificates.k8s.io", "kind": "ClusterTrustBundle", "name": name}


def backend_tls_policy(target: str, hostname: str, ca: str) -> str:
    """Connections to the Backend `target` are secured; `ca` is a ConfigMap."""
    validation = {
        "hostname": hostname,
        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": ca}],
    }
    targets = [{"group": "sluice.dev", "kind": "Backend", "name": target}]
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "BackendTLSPolicy",
            "metadata": {"name": f"secure-{target}", "namespace": "default"},
            "spec": {"targetRefs": targets, "validation": validation},
        }
    )


def grant(from_namespace: str, namespace: str, from_kind: str, to_kind: str) -> str:
    """A ReferenceGrant in `namespace`, from a kind of the Gateway API to one of the core."""
    group = "gateway.networking.k8s.io"
    return json.dumps(
        {
            "apiVersion": f"{group}/v1beta1",
            "kind": "ReferenceGrant",
            "metadata": {"name": f"{from_kind}-{to_kind}".lower(), "namespace": namespace},
            "spec": {
                "from": [{"group": group, "kind": from_kind, "namespace": from_namespace}],
                "to": [{"group": "", "kind": to_kind}],
            },
        }
    )


def listener_set(
    name: str, *listeners: dict, gateway: str = "web", namespace: str = "default"
) -> str:
    """A ListenerSet of a Gateway of the namespace `default`; listeners as in the spec."""
    return json.dumps(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "ListenerSet",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "parentRef": {"name": gateway, "namespace": "default"},
                "listeners": list(listeners),
            },
        }
    )
