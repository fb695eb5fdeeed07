"""Addresses of a cluster. All clusters have the same ones, each in a network of its own."""

NODE = "10.244.0.1"
NODE_NAME = "node-1"
BRIDGE = "pods"
API_PORT = 6443
API_SERVER = f"https://{NODE}:{API_PORT}"
POD_NETWORKS = (f"{NODE}/16", "fd00:10:244::1/64")  # the bridge's own address, with the mask
SERVICES = ("10.96.0.0/16", "fd00:10:96::/112")
FIRST_SERVICE = "10.96.0.1"  # of the Service `kubernetes`
GATEWAYS = ("10.250.0.0/16", "fd00:10:250::/64")  # any address of these can be bound at once
