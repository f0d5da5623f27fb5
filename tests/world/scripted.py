# SPDX-License-Identifier: Apache-2.0
"""Receiving servers that follow a script, for what real servers are not willing to do on demand."""
import asyncio
import base64
import ssl
import threading
import time
import warnings


class Loop:
    """One event loop in one thread for all scripted servers of the world."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine, timeout=20):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)


class Message:
    """What a receiver took: envelope, the MAIL command, bytes (dots unstuffed), TLS version and name asked for ('' in plain), AUTH user."""

    def __init__(self, session, data):
        self.mail_from, self.mail_line, self.recipients = session.mail_from, session.mail_line, session.recipients
        self.tls, self.user, self.sni, self.data = session.tls, session.user, session.sni, data
        self.host, self.at = session.server.name, time.time()


class Cut(Exception):
    """The connection ends here."""


class Receiver:
    """An SMTP server on `address`:25.

    script: {stage: action}.  Stages: connect, ehlo, starttls, handshake, auth, mail, rcpt, data, body, dot.
    An action is
      "451 4.3.0 text"   this reply instead of the usual one
      "drop"             closes the connection there, without a reply; nothing is kept
      "keep+drop"        (dot) keeps the message, then closes without a reply
      "garbage"          (handshake) answers the client's first bytes of TLS with what is none
      ("slow", seconds)  the usual reply, that much later
      "hang"             no reply until the client gives up
      [action, ...]      one for each time the stage is reached, None for the usual reply; then always the usual
      callable           is given the Session and returns an action or None
    versions: (lowest, highest) of TLS, as "TLSv1_2".  extensions: more lines of EHLO; tls_extensions: those under TLS.
    messages: what it kept.  log: (seconds, stage, command line) of everything that it saw."""

    def __init__(self, name, address, script=None, certificate=None, users=None, port=25, extensions=(),
                 tls_extensions=(), versions=("TLSv1_2", "TLSv1_3")):
        self.name, self.address, self.port = name, address, port
        self.script, self.certificate, self.users = dict(script or {}), certificate, users
        self.extensions, self.tls_extensions, self.versions = list(extensions), list(tls_extensions), versions
        self.messages, self.log, self.connections = [], [], 0
        self._server, self._tasks = None, set()
        self.context = None
        if certificate is not None:
            self.shows(certificate)

    def shows(self, certificate):
        """This certificate, from the next handshake on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning) # of the old versions
            context.minimum_version, context.maximum_version = (ssl.TLSVersion[v] for v in self.versions)
        if self.versions[0] in ("TLSv1", "TLSv1_1"):
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(certificate.certificate, certificate.key)
        context.sni_callback = note_name
        self.certificate, self.context = certificate, context

    async def open(self):
        self._server = await asyncio.start_server(self._serve, self.address, self.port, limit=64 << 20, backlog=1024)

    async def close(self):
        self._server.close()
        await self.cut()
        await self._server.wait_closed()

    async def cut(self):
        """Every connection that is open now."""
        for task in list(self._tasks):
            task.cancel()

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self.connections += 1
        try:
            await Session(self, reader, writer).run()
        except (Cut, OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError, ValueError):
            pass
        finally:
            self._tasks.discard(asyncio.current_task())
            writer.transport.abort()

    def action(self, stage, session, line=""):
        self.log.append((time.monotonic(), stage, line))
        action = self.script.get(stage)
        if isinstance(action, list):
            action = action.pop(0) if action else None
        return action(session) if callable(action) else action


def note_name(connection, name, _context):
    connection.asked_for = name


class Session:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.tls, self.sni, self.user, self.helo, self.line = "", "", "", "", ""
        self.mail_from, self.mail_line, self.recipients = None, "", []

    async def run(self):
        await self.answer("connect", "220 %s ESMTP" % self.server.name)
        verbs = {"EHLO": self.ehlo, "HELO": self.ehlo, "STARTTLS": self.starttls, "AUTH": self.auth,
                 "MAIL": self.mail, "RCPT": self.rcpt, "DATA": self.data, "BDAT": self.bdat, "RSET": self.rset,
                 "NOOP": self.noop}
        while True:
            raw = await self.reader.readline()
            if not raw:
                return
            self.line = raw.decode("utf-8", "replace").rstrip("\r\n")
            verb = self.line.split(" ", 1)[0].upper()
            if verb == "QUIT":
                await self.say("221 2.0.0 bye")
                return
            await verbs.get(verb, self.unknown)()

    async def say(self, text):
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def answer(self, stage, usual):
        """Replies by script, else as usual; true when the usual reply was given."""
        action = self.server.action(stage, self, self.line)
        if action is None:
            await self.say(usual)
            return True
        if isinstance(action, tuple):
            await asyncio.sleep(action[1])
            await self.say(usual)
            return True
        if action == "hang":
            await asyncio.sleep(3600)
        if action == "drop":
            raise Cut
        await self.say(action)
        if action.startswith("421"):
            raise Cut
        return action[0] in "23"

    async def ehlo(self):
        self.helo = self.line.partition(" ")[2]
        lines = [self.server.name, "PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        lines += self.server.extensions + (self.server.tls_extensions if self.tls else [])
        if self.server.context and not self.tls:
            lines.append("STARTTLS")
        if self.server.users is not None and self.tls:
            lines.append("AUTH PLAIN LOGIN")
        await self.answer("ehlo", "\r\n".join("250-" + l for l in lines[:-1]) + "\r\n250 " + lines[-1])

    async def starttls(self):
        if not self.server.context or self.tls:
            await self.say("502 5.5.1 no TLS here")
            return
        if not await self.answer("starttls", "220 2.0.0 go"):
            return
        await self.handshake()
        self.mail_from, self.recipients = None, []

    async def handshake(self):
        action = self.server.action("handshake", self)
        if action is not None: # the client has begun, and that is all
            await self.reader.read(1)
        if action == "hang":
            await asyncio.sleep(3600)
        if action == "garbage":
            await self.say("220 this is no TLS at all, and there is more of it")
            await self.reader.read(1000)
        if action is not None:
            raise Cut
        await self.writer.start_tls(self.server.context, ssl_handshake_timeout=20)
        connection = self.writer.get_extra_info("ssl_object")
        self.tls, self.sni = connection.version(), getattr(connection, "asked_for", None) or ""

    async def auth(self):
        parts = self.line.split(" ")
        try:
            if parts[1].upper() == "PLAIN":
                token = parts[2] if len(parts) > 2 else await self.prompt(b"")
                _, user, password = base64.b64decode(token).decode().split("\0")
            else:
                user = base64.b64decode(await self.prompt(b"Username:")).decode()
                password = base64.b64decode(await self.prompt(b"Password:")).decode()
        except (IndexError, ValueError):
            await self.say("501 5.5.2 cannot read that")
            return
        if (self.server.users or {}).get(user) != password:
            await self.say("535 5.7.8 wrong user or password")
            return
        if await self.answer("auth", "235 2.7.0 welcome"):
            self.user = user

    async def prompt(self, text):
        await self.say("334 " + base64.b64encode(text).decode())
        return (await self.reader.readline()).decode().strip()

    async def mail(self):
        if self.server.users is not None and not self.user:
            await self.say("530 5.7.0 authenticate first")
        elif await self.answer("mail", "250 2.1.0 ok"):
            self.mail_from, self.mail_line, self.recipients = path_of(self.line), self.line, []

    async def rcpt(self):
        if self.mail_from is None:
            await self.say("503 5.5.1 no sender yet")
        elif await self.answer("rcpt", "250 2.1.5 ok"):
            self.recipients.append(path_of(self.line))

    async def data(self):
        if not self.recipients:
            await self.say("503 5.5.1 no recipients")
            return
        if not await self.answer("data", "354 go on"):
            return
        if self.server.action("body", self) == "drop":
            await self.reader.readline()
            raise Cut
        lines = []
        while (line := await self.reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        await self.finish(b"".join(lines))

    async def bdat(self):
        await self.say("502 5.5.1 no chunks here")

    async def finish(self, data):
        message = Message(self, data)
        action = self.server.action("dot", self)
        if action == "keep+drop":
            self.server.messages.append(message)
            raise Cut
        if action == "drop":
            raise Cut
        if action == "hang":
            await asyncio.sleep(3600)
        if isinstance(action, tuple):
            await asyncio.sleep(action[1])
            action = None
        if action is None or action[0] == "2":
            self.server.messages.append(message)
        self.mail_from, self.recipients = None, []
        await self.say(action or "250 2.0.0 kept as %d" % len(self.server.messages))

    async def rset(self):
        self.mail_from, self.recipients = None, []
        await self.say("250 2.0.0 ok")

    async def noop(self):
        await self.say("250 2.0.0 ok")

    async def unknown(self):
        await self.say("502 5.5.1 not known here")


def path_of(line):
    """The address between < and > of a MAIL or RCPT command."""
    return line[line.index("<") + 1:line.rindex(">")]


class Greylist:
    """A Postfix policy server: the first `count` attempts of each (sender, recipient) are deferred."""

    def __init__(self, address, port=10023, count=1):
        self.address, self.port, self.count, self.seen = address, port, count, {}
        self._server = None

    async def open(self):
        self._server = await asyncio.start_server(self._serve, self.address, self.port)

    async def close(self):
        self._server.close()

    async def _serve(self, reader, writer):
        asked = {}
        while line := (await reader.readline()).decode("utf-8", "replace"):
            key, _, value = line.rstrip("\n").partition("=")
            if key:
                asked[key] = value
                continue
            who = (asked.get("sender"), asked.get("recipient"))
            self.seen[who] = self.seen.get(who, 0) + 1
            verdict = "dunno" if self.seen[who] > self.count else "defer_if_permit 4.2.0 Greylisted, come back later"
            writer.write(b"action=" + verdict.encode() + b"\n\n")
            await writer.drain()
            asked = {}
        writer.close()
