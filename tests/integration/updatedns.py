# SPDX-License-Identifier: Apache-2.0
"""A primary name server that is played: it takes updates over TCP and answers them as it is told to."""
import socketserver
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.tsigkeyring


class UpdateDns:
    """how: what becomes of an update: an rcode or an error of TSIG by its name, "signed" (NOERROR), "unsigned", "id", "truncated", "cut", "empty", "garbage", "silent", "close".

    Queries are answered with "no data".  updates: the updates that came, as messages; nothing is ever changed."""

    TSIG = {"BADSIG": 16, "BADKEY": 17, "BADTIME": 18}

    def __init__(self, address, key_name, secret, how="REFUSED", port=5301):
        self.how, self.updates, self.times = how, [], []
        self._keyring = dns.tsigkeyring.from_text({key_name: secret})
        played = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    played._talk(self.request)
                except (OSError, EOFError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
        self._server = Server((address, port), Handler)
        self.text = "%s@%d" % (address, port)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _talk(self, s):
        s.settimeout(10)
        while True:
            (size,) = struct.unpack("!H", self._read(s, 2))
            query = dns.message.from_wire(self._read(s, size), keyring=self._keyring)
            if query.opcode() == dns.opcode.QUERY:
                response = dns.message.make_response(query)
                response.flags |= dns.flags.AA
                wire = response.to_wire()
            else:
                self.updates.append(query)
                wire = self._answer(query, s)
            if wire is None:
                return
            s.sendall(struct.pack("!H", len(wire)) + wire)

    @staticmethod
    def _read(s, size):
        data = b""
        while len(data) < size:
            more = s.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _answer(self, query, s):
        how = self.how
        if how == "close":
            return None
        if how == "silent":
            s.recv(1)  # until the other side gives up
            return None
        if how in self.TSIG:
            response = dns.message.make_response(query, tsig_error=self.TSIG[how])
            response.set_rcode(dns.rcode.NOTAUTH)
        else:
            response = dns.message.make_response(query)
            if hasattr(dns.rcode.Rcode, how):
                response.set_rcode(dns.rcode.from_text(how))
        if how == "unsigned":
            response.tsig = response.keyring = None
            response.want_tsig_sign = False
        if how == "id":
            response.id ^= 1
        wire = response.to_wire()
        if how == "truncated":
            return wire[:2] + bytes([wire[2] | 2]) + wire[3:]
        return {"cut": wire[:9], "empty": b"", "garbage": b"\xff" * 40}.get(how, wire)
