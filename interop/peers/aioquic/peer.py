"""File transfers on aioquic that CloudBridge is tested against: `peer.py file-server|file-client [flags]`.

Flags and JSON lines are those of `../quic-go/main.go`.
"""

import argparse
import asyncio
import json
import os
import signal
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h0.connection import H0Connection
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated
from aioquic.tls import CipherSuite

VERSION_1 = 1


def announce(what, value):
    print(json.dumps({what: value}), flush=True)


def make_http(quic, alpn):
    return H3Connection(quic) if alpn == "h3" else H0Connection(quic)


class FileServer(QuicConnectionProtocol):
    """Serves the files below `root`."""

    root = "."
    http = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = make_http(self._quic, event.alpn_protocol)
        if self.http is None:
            return
        for received in self.http.handle_event(event):
            if isinstance(received, HeadersReceived):
                self.answer(received.stream_id, dict(received.headers)[b":path"].decode())

    def answer(self, stream, path):
        file = os.path.join(self.root, os.path.normpath("/" + path).lstrip("/"))
        found = os.path.isfile(file)
        content = b""
        if found:
            with open(file, "rb") as opened:
                content = opened.read()
        self.http.send_headers(stream, [(b":status", b"200" if found else b"404")])
        self.http.send_data(stream, content, end_stream=True)


class FileClient(QuicConnectionProtocol):
    """Fetches paths at the same time and writes them below `download`."""

    def start(self, options, paths):
        self.options = options
        self.http = make_http(self._quic, options.alpn)
        self.open = {}
        self.done = asyncio.get_running_loop().create_future()
        # Streams beyond the limit wait until there is room.
        for path in paths:
            stream = self._quic.get_next_available_stream_id()
            self.open[stream] = (path, bytearray())
            fields = [
                (b":method", b"GET"),
                (b":scheme", b"https"),
                (b":authority", self.options.name.encode()),
                (b":path", path.encode()),
            ]
            self.http.send_headers(stream, fields, end_stream=True)
        self.transmit()

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated) and not self.done.done():
            self.done.set_exception(RuntimeError(f"connection closed: {event.error_code} {event.reason_phrase}"))
        if not hasattr(self, "http"):
            return
        for received in self.http.handle_event(event):
            if isinstance(received, DataReceived) and received.stream_id in self.open:
                self.take(received)

    def take(self, received):
        path, content = self.open[received.stream_id]
        content += received.data
        if not received.stream_ended:
            return
        del self.open[received.stream_id]
        with open(os.path.join(self.options.download, os.path.basename(path)), "wb") as file:
            file.write(content)
        if not self.open and not self.done.done():
            self.done.set_result(None)

    async def move(self):
        """To another port of this host, with another connection ID (RFC 9000 §9.2)."""
        await self.ping()
        self._transport.close()
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("::", 0))
        self.change_connection_id()


def split(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def configuration(options, is_client):
    made = QuicConfiguration(is_client=is_client, alpn_protocols=[options.alpn])
    if options.chacha20:
        made.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    if options.version != VERSION_1:
        made.original_version = VERSION_1
        made.supported_versions = [options.version, VERSION_1]
    return made


async def file_server(options):
    made = configuration(options, is_client=False)
    made.load_cert_chain(options.cert, options.key)
    FileServer.root = options.root
    tickets = {}
    host, port = split(options.listen)
    await serve(
        host,
        port,
        configuration=made,
        create_protocol=FileServer,
        session_ticket_fetcher=lambda ticket: tickets.pop(ticket, None),
        session_ticket_handler=lambda ticket: tickets.__setitem__(ticket.ticket, ticket),
        retry=options.retry,
    )
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    announce("ready", {"address": options.listen})
    await ended.wait()


async def fetch(options, paths, tickets):
    made = configuration(options, is_client=True)
    made.load_verify_locations(options.ca)
    made.server_name = options.name
    if tickets:
        made.session_ticket = tickets[-1]
    host, port = split(options.server)
    early = options.early and bool(tickets)
    async with connect(
        host,
        port,
        configuration=made,
        create_protocol=FileClient,
        session_ticket_handler=tickets.append,
        wait_connected=not early,
    ) as client:
        client.start(options, paths)
        if options.key_update:
            client.request_key_update()
        if options.migrate:
            await client.move()
        await client.done


async def file_client(options):
    tickets = []
    for i in range(options.connections):
        last = i + 1 == options.connections
        await fetch(options, options.requests[i:] if last else options.requests[i : i + 1], tickets)
    announce("result", {"files": len(options.requests)})


PROGRAMS = {"file-server": file_server, "file-client": file_client}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", choices=PROGRAMS)
    for name in ("listen", "server", "cert", "key", "ca", "root", "download"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--name", default="peer.test")
    parser.add_argument("--alpn", default="h3")
    parser.add_argument("--version", type=int, default=VERSION_1)
    parser.add_argument("--connections", type=int, default=1)
    for name in ("retry", "early", "chacha20", "migrate", "key-update"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("requests", nargs="*")
    # Flags may stand between words.
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    parsed = parse()
    try:
        asyncio.run(PROGRAMS[parsed.program](parsed))
    except (OSError, RuntimeError, AssertionError) as error:
        sys.exit(f"peer.py {parsed.program}: {error!r}")
