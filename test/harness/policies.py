"""BackendTLSPolicies of Services and of their ports."""

import json

from harness.manifests import backend_tls_policy


def service_tls_policy(
    target: str, hostname: str, ca: str, name: str | None = None, section: str | None = None, **more
) -> str:
    """Connections to the Service `target`, or to its port `section`, are secured; `ca` is a
    ConfigMap; `more` are fields of `validation`."""
    made = json.loads(backend_tls_policy(target, hostname, ca))
    made["metadata"]["name"] = name or f"secure-{target}"
    made["spec"]["targetRefs"] = [{"group": "", "kind": "Service", "name": target}]
    if section:
        made["spec"]["targetRefs"][0]["sectionName"] = section
    made["spec"]["validation"].update(more)
    return json.dumps(made)
