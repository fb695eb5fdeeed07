"""A gRPC server of generic methods, and a stream that a client keeps open."""

import concurrent.futures
import queue
import threading

import grpc

from harness.certificates import Certificate


class Echo(grpc.GenericRpcHandler):
    """Every method of every service; the last word of its name says how it answers."""

    def __init__(self, name: str):
        self.name = name
        self.cancelled = threading.Event()
        self.metadata: dict[str, str] = {}
        self.time_left: float | None = None
        self.asked: list[bytes] = []  # of unary calls

    def service(self, call):
        kind = call.method.rsplit("/", 1)[1]
        self.metadata = {}
        for key, value in call.invocation_metadata:
            self.metadata[key] = f"{self.metadata[key]},{value}" if key in self.metadata else value
        return {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Sum": grpc.stream_unary_rpc_method_handler(self.sum),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
            "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
        }.get(kind)

    def unary(self, request: bytes, context) -> bytes:
        self.time_left = context.time_remaining()
        self.asked.append(request)
        context.set_trailing_metadata([("x-trailer", "t")])
        return self.name.encode() + b":" + request

    def fail(self, request: bytes, context) -> bytes:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today: 100%")

    def count(self, request: bytes, context):
        for i in range(int(request)):
            yield str(i).encode()

    def sum(self, requests, context) -> bytes:
        return str(sum(int(request) for request in requests)).encode()

    def chat(self, requests, context):
        for request in requests:
            yield request[::-1]

    def hang(self, request: bytes, context) -> bytes:
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(30)
        return b""


class GrpcServer:
    def __init__(self, name: str, held: Certificate | None = None):
        self.echo = Echo(name)
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), [self.echo])
        if held:
            pair = (held.key.encode(), held.pem.encode())
            secured = grpc.ssl_server_credentials([pair])
            self.port = self.server.add_secure_port("127.0.0.1:0", secured)
        else:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def stop(self) -> None:
        self.echo.cancelled.set()
        self.server.stop(0).wait(5)


class Chat:
    """One call of Chat: say() gives the answer to each word, rest() ends it."""

    def __init__(
        self, channel: grpc.Channel, seconds: float | None = 20, path: str = "/echo.Echo/Chat"
    ):
        self._said: queue.Queue = queue.Queue()
        words = iter(self._said.get, None)
        self.answers = channel.stream_stream(path)(words, timeout=seconds)

    def say(self, word: bytes) -> bytes:
        self._said.put(word)
        return next(self.answers)

    def rest(self) -> list[bytes]:
        self.leave()
        return [*self.answers]

    def leave(self) -> None:
        """Says nothing more."""
        self._said.put(None)
