"""Stands in for the kubelet of the only node: runs Pods as processes, a network namespace each.

Images stand for static programs (see __main__.py), which see nothing but their own file and their
volumes. What a real kubelet does and this one does not: probes (ready means that a Pod listens, see
listeners.py), init containers, restart policies but Always, limits, volumes that change later or
belong to the host, exec, following logs, ClusterIP addresses.
"""
