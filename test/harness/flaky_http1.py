"""HTTP/1.1 before a flaky API server: one request after the other."""

import asyncio

from harness.flaky_exchange import Asked, Exchange


class Connection:
    """Is the Answer of the one request that it has."""

    def __init__(
        self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ):
        self.exchange, self.reader, self.writer = exchange, reader, writer

    async def serve(self) -> None:
        while asked := await self._read():
            await self.exchange.serve(asked, self)

    async def _read(self) -> Asked | None:
        line = await self.reader.readline()
        if not line:
            return None
        method, path, _ = line.decode().split()
        asked = Asked(method, path)
        while (line := await self.reader.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            asked.fields[name.lower()] = value.strip()
        asked.body = await self.reader.readexactly(int(asked.fields.get("content-length", 0)))
        return asked

    @property
    def closed(self) -> bool:
        return self.writer.is_closing()

    async def head(self, code: int, fields: dict[str, str]) -> None:
        fields = {"content-type": "application/json", "transfer-encoding": "chunked", **fields}
        lines = [f"HTTP/1.1 {code} by the test", *(f"{name}: {fields[name]}" for name in fields)]
        await self._write("\r\n".join([*lines, "", ""]).encode())

    async def data(self, data: bytes) -> None:
        if data:
            await self._write(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        await self._write(b"0\r\n\r\n")

    async def _write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self, refused: bool = False) -> None:
        self.close()

    def close(self) -> None:
        self.writer.transport.abort()

    def go_away(self) -> None:
        raise NotImplementedError("HTTP/1.1 has no such word")
