#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The senders of the crash runs:  clients.py SETTINGS_JSON

Keeps SMTP sessions and HTTP clients busy against a server that comes and goes, until standard input closes.  What the
server said goes to the log at once, one line each:

    accepted MONOTONIC_NS TOKEN ID DOOR RECIPIENT...      a 250 or 202 was read
    refused  MONOTONIC_NS TOKEN CODE DOOR                 a final 4xx, 5xx
    unknown  MONOTONIC_NS TOKEN DOOR                      the line broke before an answer: may be there, may be not
    together MONOTONIC_NS TOKEN RECIPIENT...              one request is about to ask for a message to each: all are there, or none

An SMTP client does not repeat a message whose answer it missed; an HTTP client does, under the same Idempotency-Key."""
import asyncio
import base64
import itertools
import json
import os
import random
import re
import ssl
import sys
import time

settings, log = {}, -1
numbers = itertools.count(1)
ID = re.compile(rb"\b([0-9a-hjkmnp-tv-z]{13})\b")


def note(*words):
    os.write(log, (" ".join(str(w) for w in words) + "\n").encode())


def new_message(door, domains, sender):
    """(token, recipients, bytes); one in twenty is large enough to live in a file."""
    n = next(numbers)
    token = "%s%d-%s" % (settings["prefix"], n, door)
    count = random.choice((1, 1, 1, 1, 2, 3))
    rcpts = ["r%d-%d@%s" % (n, i, random.choice(domains)) for i in range(count)]
    size = 200000 if n % 20 == 0 else 1500
    return token, rcpts, ("From: <me@%s>\r\nTo: <%s>\r\nSubject: crash %d\r\nX-Crash: %s\r\n\r\n" % (
        sender, ">, <".join(rcpts), n, token)).encode() + (b"x" * 76 + b"\r\n") * (size // 78)


class Smtp:
    def __init__(self, tls):
        self.tls, self.door, self.port = tls, "tls" if tls else "smtp", 587 if tls else 25

    async def run(self):
        while True:
            try:
                await self.session()
            except (OSError, EOFError, asyncio.IncompleteReadError, asyncio.TimeoutError, ssl.SSLError):
                pass
            await asyncio.sleep(0.05)

    async def reply(self):
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 30)
            if not line.endswith(b"\n"):
                raise EOFError
            if line[3:4] != b"-":
                return line

    async def ask(self, line, want):
        self.writer.write(line + b"\r\n")
        got = await self.reply()
        if not got.startswith(want):
            raise EOFError
        return got

    async def session(self):
        self.reader, self.writer = await asyncio.open_connection(settings["address"], self.port)
        try:
            if not (await self.reply()).startswith(b"220"):
                return
            await self.ask(b"EHLO client.test", b"250")
            if self.tls:
                await self.ask(b"STARTTLS", b"220")
                context = ssl.create_default_context(cafile=settings["ca"])
                await self.writer.start_tls(context, server_hostname=settings["address"])
                await self.ask(b"EHLO client.test", b"250")
                await self.log_in()
            for _ in range(200):
                await self.one()
        finally:
            self.writer.transport.abort()

    async def log_in(self):
        secret = base64.b64encode(("\0%(user)s\0%(password)s" % settings).encode())
        await self.ask(b"AUTH PLAIN " + secret, b"235")

    async def one(self):
        token, rcpts, data = self.new_message()
        self.writer.write(b"MAIL FROM:<me@%s>\r\n" % self.sender().encode() +
                          b"".join(b"RCPT TO:<%s>\r\n" % r.encode() for r in rcpts) + b"DATA\r\n")
        replies = [await self.reply() for _ in range(len(rcpts) + 2)]
        if not replies[-1].startswith(b"354"):
            note("refused", time.monotonic_ns(), token, replies[-1][:3].decode(), self.door)
            await asyncio.sleep(0.1)
            raise EOFError
        self.writer.write(data + b".\r\n")
        try:
            answer = await self.reply()
        except (OSError, EOFError, asyncio.TimeoutError, ssl.SSLError):
            note("unknown", time.monotonic_ns(), token, self.door)
            raise
        if answer.startswith(b"250"):
            note("accepted", time.monotonic_ns(), token, ID.search(answer).group(1).decode(), self.door, *rcpts)
        else:
            note("refused", time.monotonic_ns(), token, answer[:3].decode(), self.door)
            await asyncio.sleep(0.1)


    def new_message(self):
        return new_message(self.door, settings["domains"], self.sender())

    def sender(self):
        return settings["from"]


class Server(Smtp):
    """Another mail server: brings mail for domains that routes lead on from here."""

    def __init__(self, tls):
        self.tls, self.door, self.port = tls, "in-tls" if tls else "in", settings["inbound_port"]

    async def log_in(self):
        pass

    def new_message(self):
        return new_message(self.door, settings["inbound_domains"], self.sender())

    def sender(self):
        return settings["inbound_from"]


class Http:
    async def run(self):
        while True:
            token, rcpts, _ = new_message("http", settings["domains"], settings["from"])
            body = json.dumps({"from": "me@" + settings["from"], "to": rcpts, "subject": "crash",
                               "headers": {"X-Crash": token}, "text": "hello\n" * 20}).encode()
            for attempt in itertools.count():
                try:
                    status, answer = await asyncio.wait_for(self.post(body, token), 30)
                except (OSError, EOFError, ValueError, IndexError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                    if attempt == 0:
                        note("unknown", time.monotonic_ns(), token, "http")
                    await asyncio.sleep(0.1)
                    continue
                if status == 202:
                    note("accepted", time.monotonic_ns(), token, json.loads(answer)["id"], "http", *rcpts)
                    break
                note("refused", time.monotonic_ns(), token, status, "http")
                await asyncio.sleep(0.1)
                if status not in (409, 429, 500, 503):
                    break

    @staticmethod
    async def post(body, token, path="/v1/messages"):
        reader, writer = await asyncio.open_connection(settings["address"], 8080)
        try:
            head = ("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: "
                    "application/json\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
                        path, settings["address"], settings["key"], token, len(body)))
            writer.write(head.encode() + body)
            answer = await reader.read(65536)
            while b"\r\n\r\n" not in answer:
                more = await reader.read(65536)
                if not more:
                    raise EOFError
                answer += more
            head, _, rest = answer.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
            while len(rest) < length:
                more = await reader.read(65536)
                if not more:
                    raise EOFError
                rest += more
            return int(head.split()[1]), rest
        finally:
            writer.transport.abort()


class Together(Http):
    """Requests of several messages, at the door for SendGrid; none is repeated."""

    async def run(self):
        while True:
            token, rcpts, body = self.request()
            note("together", time.monotonic_ns(), token, *rcpts)
            try:
                status, _ = await asyncio.wait_for(self.post(body, token, "/v3/mail/send"), 30)
            except (OSError, EOFError, ValueError, IndexError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                note("unknown", time.monotonic_ns(), token, "together")
                await asyncio.sleep(0.1)
                continue
            if status == 202:
                note("accepted", time.monotonic_ns(), token, "-", "together", *rcpts)
            else:
                note("refused", time.monotonic_ns(), token, status, "together")
                await asyncio.sleep(0.1)

    @staticmethod
    def request():
        """One in fifty has bodies that live in files, and more of them than are held in memory."""
        n = next(numbers)
        token = "%s%d-together" % (settings["prefix"], n)
        large = n % 50 == 0
        rcpts = ["r%d-%d@%s" % (n, i, random.choice(settings["domains"])) for i in range(12 if large else 5)]
        people = [{"to": [{"email": r}], "headers": {"X-Crash": token}} for r in rcpts]
        text = "x" * 70 + "\r\n"
        return token, rcpts, json.dumps({
            "from": {"email": "me@" + settings["from"]}, "subject": "crash", "personalizations": people,
            "content": [{"type": "text/plain", "value": text * (14000 if large else 20)}]}).encode()


async def main():
    loop = asyncio.get_running_loop()
    tasks = [Smtp(i < settings["tls_sessions"]).run() for i in range(settings["sessions"])]
    tasks += [Server(i % 5 == 0).run() for i in range(settings["servers"])]
    tasks += [Http().run() for _ in range(settings["http_clients"])]
    tasks += [Together().run() for _ in range(settings["together_clients"])]
    running = [loop.create_task(t) for t in tasks]
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    for task in running:
        task.cancel()


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    log = os.open(settings["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    asyncio.run(main())
