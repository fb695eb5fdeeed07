"""One request to a flaky API server and its answer, whatever the protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from cluster.api import Api
from cluster.layout import API_PORT, NODE

from harness.api_faults import Faults, gone, status

LONGEST_WATCH_S = 5.0
TICK_S = 0.1
LONGEST_LINE = 1 << 24
PASSED_ON = ("authorization", "accept", "content-type")


@dataclass
class Asked:
    method: str
    path: str
    fields: dict[str, str] = field(default_factory=dict)  # names in small letters
    body: bytes = b""

    def as_http_1_0(self) -> bytes:
        """An answer to this is what comes until the end."""
        fields = {name: value for name, value in self.fields.items() if name in PASSED_ON}
        fields |= {"host": NODE, "content-length": str(len(self.body))}
        head = [f"{self.method} {self.path} HTTP/1.0"]
        head += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*head, "", ""]).encode() + self.body


class Answer(Protocol):
    @property
    def closed(self) -> bool:
        """Nobody is there to hear it."""

    async def head(self, code: int, fields: dict[str, str]) -> None: ...
    async def data(self, data: bytes) -> None: ...
    async def end(self) -> None: ...

    def reset(self, refused: bool = False) -> None:
        """It breaks off; over HTTP/1.1 the connection does."""

    def close(self) -> None:
        """The connection breaks off."""

    def go_away(self) -> None:
        """The connection takes no further request, and ends with the last one that it has."""


async def or_silence(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Each line, and nothing whenever none came for a moment."""
    following = asyncio.ensure_future(anext(lines, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=TICK_S)
            line = following.result() if done else b""
            if line is None:
                return
            if done:
                following = asyncio.ensure_future(anext(lines, None))
            yield line
    finally:
        following.cancel()


class Exchange:
    """Passes requests on to `api`, with faults. `problems`: what went wrong against all plans."""

    def __init__(self, api: Api, faults: Faults):
        self.api, self.faults = api, faults
        self.problems: list[str] = []

    async def serve(self, asked: Asked, answer: Answer) -> None:
        try:
            await self._serve(asked, answer)
        except (OSError, EOFError):  # somebody has gone
            answer.reset()
        except Exception as problem:
            self.problems.append(f"{asked.method} {asked.path}: {problem!r}")
            answer.reset()

    async def _serve(self, asked: Asked, answer: Answer) -> None:
        fault = self.faults.of_request()
        if fault == "close":
            answer.close()
            return
        if fault == "refuse the stream":
            answer.reset(refused=True)
            return
        if fault.isdigit():
            await answer.head(int(fault), {"retry-after": "1"} if fault == "429" else {})
            await answer.data(status(int(fault)))
            await answer.end()
            return
        if fault == "go away":
            answer.go_away()
        if fault == "delay":
            await asyncio.sleep(self.faults.random.uniform(0, 0.5))
        await self._forward(asked, answer, fault == "lose the answer")

    async def _forward(self, asked: Asked, answer: Answer, lost: bool) -> None:
        reader, writer = await asyncio.open_connection(
            NODE, API_PORT, ssl=self.api.tls, server_hostname=NODE, limit=LONGEST_LINE
        )
        try:
            writer.write(asked.as_http_1_0())
            code = int((await reader.readline()).split()[1])
            while await reader.readline() != b"\r\n":
                pass
            if lost:
                answer.reset()
                return
            await answer.head(code, {})
            if "watch=true" in asked.path and code == 200:
                await self._stream(reader, answer)
            else:
                await answer.data(await reader.read())
                await answer.end()
        finally:
            writer.transport.abort()

    async def _stream(self, lines: AsyncIterator[bytes], answer: Answer) -> None:
        """It ends some time after faults began: with a line, or when none comes for long."""
        now, due, last = asyncio.get_running_loop().time, 0.0, b""
        async with contextlib.aclosing(or_silence(lines)) as news:
            async for line in news:
                if answer.closed:
                    return
                if self.faults.on and not due:
                    due = now() + self.faults.random.uniform(0.2, LONGEST_WATCH_S)
                if self.faults.on and now() > due + (0 if line else LONGEST_WATCH_S):
                    await self._end_watch(line, last, answer)
                    return
                if line:
                    await answer.data(line)
                    last = line
        await answer.end()

    async def _end_watch(self, line: bytes, last: bytes, answer: Answer) -> None:
        """With a new line, or with none: then `last` is known already."""
        some = line or last
        fault = self.faults.of_watch(silent=not some)
        if fault in ("cut", "break"):
            await answer.data(some[: len(some) // 2])
            break_off = answer.reset if fault == "cut" else answer.close
            break_off()
            return
        await answer.data(line)
        if fault == "repeat":
            await answer.data(some)
        if fault == "gone":
            await answer.data(gone())
        await answer.end()
