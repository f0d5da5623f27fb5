#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The receiver of the crash runs:  receiver.py LOG ADDRESS...

Speaks SMTP on port 25 and LMTP on port 24 of each address and appends one line to LOG for every recipient of every
message that it is about to acknowledge, before it does:  "MONOTONIC_NS TOKEN RECIPIENT STAGE".  Commands on standard input: "cut P" makes
it close the connection with probability P at each stage of the dialogue; STAGE is "kept-cut" where it kept the message
and cut before its answer, else "kept"."""
import asyncio
import os
import random
import sys
import time

cut = 0.0
log = -1


class Session(asyncio.Protocol):
    lmtp = False

    def connection_made(self, transport):
        self.transport, self.buffer, self.in_data, self.rcpts = transport, b"", False, []
        self.say(b"220 receiver ESMTP\r\n", "connect")

    def say(self, text, stage):
        """False when the line was cut instead."""
        if cut and random.random() < cut:
            self.transport.abort()
            return False
        self.transport.write(text)
        return True

    def data_received(self, data):
        self.buffer += data
        while not self.transport.is_closing():
            if self.in_data:
                if self.buffer.startswith(b".\r\n"):
                    end = 0
                else:
                    end = self.buffer.find(b"\r\n.\r\n")
                    if end < 0:
                        if cut and random.random() < cut:
                            self.transport.abort()
                        return
                    end += 2
                body, self.buffer, self.in_data = self.buffer[:end], self.buffer[end + 3:], False
                self.end_of_data(body)
            else:
                end = self.buffer.find(b"\n")
                if end < 0:
                    return
                line, self.buffer = self.buffer[:end + 1], self.buffer[end + 1:]
                self.command(line)

    def command(self, line):
        verb = line[:4].upper()
        if verb == (b"LHLO" if self.lmtp else b"EHLO"):
            self.say(b"250-receiver\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 0\r\n", "ehlo")
        elif verb == b"MAIL":
            self.rcpts = []
            self.say(b"250 2.1.0 ok\r\n", "mail")
        elif verb == b"RCPT":
            self.rcpts.append(line[line.index(b"<") + 1:line.rindex(b">")])
            self.say(b"250 2.1.5 ok\r\n", "rcpt")
        elif verb == b"DATA":
            self.in_data = self.say(b"354 go\r\n", "data")
        elif verb == b"QUIT":
            self.transport.write(b"221 2.0.0 bye\r\n")
            self.transport.close()
        else:
            self.say(b"250 2.0.0 ok\r\n", "other")

    def end_of_data(self, body):
        if cut and random.random() < cut: # cut before it is kept
            self.transport.abort()
            return
        at = body.find(b"X-Crash: ")
        token = body[at + 9:body.find(b"\r\n", at)].strip() if at >= 0 else b"notice"
        answer_cut = cut and random.random() < cut
        stage = b"kept-cut" if answer_cut else b"kept"
        now = b"%d" % time.monotonic_ns()
        os.write(log, b"".join(b" ".join((now, token, r, stage)) + b"\n" for r in self.rcpts))
        if answer_cut:
            self.transport.abort()
        else: # LMTP answers for each recipient [RFC 2033 s4.2]
            self.transport.write(b"250 2.0.0 kept\r\n" * (len(self.rcpts) if self.lmtp else 1))


class Store(Session):
    lmtp = True


async def main(addresses):
    global cut
    loop = asyncio.get_running_loop()
    for address in addresses:
        await loop.create_server(Session, address, 25, backlog=1024)
        await loop.create_server(Store, address, 24, backlog=1024)
    print("up", flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        if line[0] == "cut":
            cut = float(line[1])


if __name__ == "__main__":
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    asyncio.run(main(sys.argv[2:]))
