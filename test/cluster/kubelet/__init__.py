"""Stands in for the kubelet of the only node: runs Pods as processes, a network namespace each.

Images stand for static programs (see __main__.py), which see nothing but their own file and their
volumes. What a real kubelet does and this one does not: probes (ready means that a Pod listens, see
listeners.py), init containers, restart policies but Always, limits, preStop but `sleep`, volumes
that change later, belong to the host or are shared by containers, exec, following logs, the node's
own network, ClusterIP addresses.
"""
