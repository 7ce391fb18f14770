"""A WebSocket client on Autobahn, an implementation that shares nothing with the host's.

Connects to the URL it is given, sends messages in many forms, and checks that each comes back as it was. Autobahn
itself fails the connection when the server breaks the protocol. Writes one JSON object a line: what was tried, and
how it went.
"""

import asyncio
import json
import random
import sys

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

SIZES = [0, 1, 16, 125, 126, 127, 128, 1000, 65535, 65536, 65537, 200000, 1048576]
FRAGMENTS = [1, 2, 125, 126, 1000, 65536]
TEXTS = ["", "plain", "Grüße", "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "日本語", "😀😁", "\u0000", "\uffff\U0010ffff"]
CODES = [None, 1000, 3000, 3999, 4000, 4999]


class Client(WebSocketClientProtocol):
    """Collects what comes; tests wait for it."""

    def onOpen(self):
        self.messages = asyncio.Queue()
        self.pongs = asyncio.Queue()
        self.ended = asyncio.get_running_loop().create_future()
        self.factory.opened.set_result(self)

    def onMessage(self, payload, isBinary):
        self.messages.put_nowait((isBinary, bytes(payload)))

    def onPong(self, payload):
        self.pongs.put_nowait(bytes(payload))

    def onClose(self, wasClean, code, reason):
        if not self.factory.opened.done():
            self.factory.opened.set_exception(ConnectionError(f"{code} {reason}"))
        elif not self.ended.done():
            self.ended.set_result((wasClean, code, reason))

    async def echo(self, payload, is_binary, **how):
        """Sends a message, and expects the same."""
        self.sendMessage(payload, is_binary, **how)
        await self.expect(payload, is_binary)

    async def expect(self, payload, is_binary):
        got_binary, got = await asyncio.wait_for(self.messages.get(), 30)
        if got_binary != is_binary or got != payload:
            raise AssertionError(f"sent {len(payload)} bytes, binary {is_binary}: got {len(got)}, {got_binary}")


async def connect(url, **options):
    factory = WebSocketClientFactory(url, **options)
    loop = asyncio.get_running_loop()
    factory.opened = loop.create_future()
    factory.protocol = Client
    await loop.create_connection(factory, factory.host, factory.port)
    return await asyncio.wait_for(factory.opened, 30)


def bytes_of(size):
    # Small first bytes are commands to the guest.
    return b"x" + random.Random(size).randbytes(size - 1) if size > 0 else b""


async def sizes(url):
    client = await connect(url)
    for size in SIZES:
        await client.echo(bytes_of(size), True)
        await client.echo(b"*" * size, False)


async def fragments(url):
    client = await connect(url)
    for size in FRAGMENTS:
        length = min(size * 50 + 7, 300000)
        await client.echo(bytes_of(length), True, fragmentSize=size)
        await client.echo("µ".encode() * (length // 2), False, fragmentSize=size)


async def streaming(url):
    client = await connect(url)
    client.beginMessage(isBinary=True)
    parts = [bytes_of(size) for size in (1000, 1, 70000, 3)]
    for part in parts:
        client.beginMessageFrame(len(part))
        for index in range(0, len(part), 777):
            client.sendMessageFrameData(part[index : index + 777])
            await asyncio.sleep(0)
        client.sendPing(b"between")
    client.endMessage()
    await client.expect(b"".join(parts), True)
    for _ in parts:
        if await asyncio.wait_for(client.pongs.get(), 30) != b"between":
            raise AssertionError("another pong")


async def texts(url):
    client = await connect(url)
    for text in TEXTS:
        await client.echo(text.encode(), False)
        await client.echo(text.encode(), False, fragmentSize=1)


async def chopped(url):
    client = await connect(url)
    client.setTrackTimings(False)
    payload = bytes_of(500)
    client.sendFrame(opcode=2, payload=payload, chopsize=1)
    await client.expect(payload, True)


async def pings(url):
    client = await connect(url)
    for size in (0, 1, 50, 125):
        client.sendPing(b"p" * size)
        if await asyncio.wait_for(client.pongs.get(), 30) != b"p" * size:
            raise AssertionError(f"the pong of {size} bytes")


async def many(url):
    """Many messages under way at once, on several connections."""
    clients = [await connect(url) for _ in range(5)]
    messages = [f"message {index} ".encode() * (index % 50 + 1) for index in range(1000)]
    for client in clients:
        for message in messages:
            client.sendMessage(message, False)
    for client in clients:
        for message in messages:
            await client.expect(message, False)


async def closing(url):
    for code in CODES:
        client = await connect(url)
        reason = None if code is None else "reason µ"
        client.sendClose(code, reason)
        clean, got, _ = await asyncio.wait_for(client.ended, 30)
        if not clean or got != code:
            raise AssertionError(f"closed with {code}: got {got}, clean {clean}")


async def invalid(url):
    client = await connect(url)
    client.sendMessage(b"\xff\xfe", False)
    clean, code, _ = await asyncio.wait_for(client.ended, 30)
    if code != 1007:
        raise AssertionError(f"text that is not UTF-8: {code}")


async def subprotocols(url):
    client = await connect(url, protocols=["other", "chat"])
    if client.websocket_protocol_in_use != "chat":
        raise AssertionError(f"selected {client.websocket_protocol_in_use}")


async def main(url):
    for scenario in [sizes, fragments, streaming, texts, chopped, pings, many, closing, invalid, subprotocols]:
        try:
            await scenario(url)
            result = "ok"
        except Exception as error:  # Whatever it is, the test says it.
            result = f"{type(error).__name__}: {error}"
        print(json.dumps({"scenario": scenario.__name__, "result": result}), flush=True)


asyncio.run(main(sys.argv[1]))
