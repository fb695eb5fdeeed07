"""A backend with long-lived connections: WebSocket echo on one port, slow downloads on another.

Usage: live_backend.py ADDRESS WEBSOCKET_PORT DOWNLOAD_PORT
A download of /slow?chunks=N&pause_ms=M is N chunks of 1 KiB, M milliseconds apart.
"""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

import websockets

CHUNK = b"." * 1023 + b"\n"


async def echo(connection) -> None:
    async for message in connection:
        await connection.send(message)


async def download(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        request = await reader.readuntil(b"\r\n\r\n")
        query = parse_qs(urlsplit(request.split(b" ", 2)[1].decode()).query)
        chunks = int(query.get("chunks", ["100"])[0])
        pause_s = int(query.get("pause_ms", ["100"])[0]) / 1000
        length = chunks * len(CHUNK)
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode()
        )
        for _ in range(chunks):
            writer.write(CHUNK)
            await writer.drain()
            await asyncio.sleep(pause_s)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main(address: str, websocket_port: int, download_port: int) -> None:
    async with websockets.serve(echo, address, websocket_port, ping_interval=None):
        server = await asyncio.start_server(download, address, download_port)
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
