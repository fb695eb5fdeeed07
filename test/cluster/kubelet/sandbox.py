"""The network of one Pod: a namespace with addresses of its own, connected to the node's bridge."""

import os
import subprocess

from cluster.kubelet.node import Node
from cluster.layout import BRIDGE

# Runs in the new network. The veth's other end is made in the node's, whose first process is HOME.
# After it, `sleep` holds the network, so that containers may end and start again in it.
SCRIPT = """set -e
ip -batch - >/dev/null <<END
link add eth0 type veth peer name $LINK netns $HOME
link set lo up
link set eth0 up
$ADDRESSES
END
nsenter --target $HOME --net ip link set $LINK master $BRIDGE up
echo ready
exec sleep infinity
"""


class Sandbox:
    def __init__(self, node: Node, number: int):
        addresses = node.addresses(number)
        self.ips = [str(address.ip) for address in addresses]
        lines = [f"addr add {a} dev eth0{' nodad' if a.version == 6 else ''}" for a in addresses]
        lines += [f"route add default via {network.ip}" for network in node.networks]
        environment = {
            **os.environ,
            "ADDRESSES": "\n".join(lines),
            "BRIDGE": BRIDGE,
            "HOME": str(os.getpid()),
            "LINK": f"pod{number}",
        }
        self.process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", SCRIPT], env=environment, stdout=subprocess.PIPE
        )
        self.pid = self.process.pid
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("the network of the Pod could not be made")

    def end(self) -> None:
        """The namespace and both ends of the veth go with the last process in it."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
