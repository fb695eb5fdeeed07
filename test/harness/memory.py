"""What processes take: memory as the kernel counts it, and open files."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """KiB: all pages in use, a fair share of them, and those that are the process's own."""

    rss: int
    pss: int
    own: int

    def __str__(self) -> str:
        return f"RSS {self.rss} KiB, PSS {self.pss} KiB, own {self.own} KiB"


def memory_of(pid: int) -> Memory:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {
        name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)
    }
    return Memory(sizes["Rss"], sizes["Pss"], sizes["Anonymous"])


def open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
