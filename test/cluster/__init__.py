"""A Kubernetes cluster on one machine: a real API server in a network of its own."""
