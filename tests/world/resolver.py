# SPDX-License-Identifier: Apache-2.0
"""A validating resolver over the world's names, for programs that ask the system's: libunbound behind a socket, the AD bit from its judgement."""
import contextlib
import ctypes
import ctypes.util
import os
import socket
import struct
import subprocess
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

NOT_LOCAL = ((b"do-not-query-localhost:", b"no"), (b"do-ip6:", b"no"))


class Result(ctypes.Structure): # struct ub_result of <unbound.h>
    _fields_ = [("qname", ctypes.c_char_p), ("qtype", ctypes.c_int), ("qclass", ctypes.c_int),
                ("data", ctypes.c_void_p), ("len", ctypes.c_void_p), ("canonname", ctypes.c_char_p),
                ("rcode", ctypes.c_int), ("answer_packet", ctypes.c_void_p), ("answer_len", ctypes.c_int),
                ("havedata", ctypes.c_int), ("nxdomain", ctypes.c_int), ("secure", ctypes.c_int),
                ("bogus", ctypes.c_int), ("why_bogus", ctypes.c_char_p), ("was_ratelimited", ctypes.c_int),
                ("ttl", ctypes.c_int)]


class Validator:
    """ask(name, type number): a Result, or None when nothing could be found out.  Starts from the world's root hints and anchor."""

    def __init__(self, zones):
        lib = self._lib = ctypes.CDLL(ctypes.util.find_library("unbound"))
        lib.ub_ctx_create.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(lib.ub_ctx_create())
        for key, value in NOT_LOCAL + ((b"root-hints:", zones.root_hints.encode()),):
            assert lib.ub_ctx_set_option(self._context, key, value) == 0
        assert lib.ub_ctx_add_ta_file(self._context, zones.trust_anchor.encode()) == 0
        assert lib.ub_ctx_zone_remove(self._context, b"test.") == 0 # libunbound says by itself that test. does not exist

    def ask(self, name, kind):
        out = ctypes.POINTER(Result)()
        if self._lib.ub_resolve(self._context, name.encode(), kind, 1, ctypes.byref(out)) != 0:
            return None
        return out.contents

    def close(self):
        """Only when nobody asks any more."""
        self._lib.ub_ctx_delete(self._context)


def start(what, *args):
    threading.Thread(target=what, args=args, daemon=True).start()


class Resolver:
    """`with Resolver(world.dns, "127.0.0.55") as r`: r.run([program, ...]) runs one whose resolv.conf names this resolver."""

    def __init__(self, zones, address):
        self.address, self._validator = address, Validator(zones)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._udp = socket.socket(family, socket.SOCK_DGRAM)
        self._udp.bind((address, 53))
        self._tcp = socket.create_server((address, 53), family=family)
        self.config = os.path.join(zones.folder, "resolv.conf." + address)
        with open(self.config, "w") as f:
            f.write("nameserver %s\noptions trust-ad timeout:5 attempts:2\n" % address)

    def __enter__(self):
        for serve in (self._serve_udp, self._serve_tcp):
            start(serve)
        return self

    def __exit__(self, *_):
        for s in (self._udp, self._tcp): # questions to name servers that are silent are still on their way: nobody waits for them
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR) # or its thread keeps it
            s.close()

    def within(self, command):
        """The command in a mount namespace of its own, where /etc/resolv.conf is ours."""
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return ["unshare", "--mount", "sh", "-c", script, self.config, *command]

    def run(self, command, **kw):
        """subprocess.run of it there."""
        return subprocess.run(self.within(command),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)

    def _serve_udp(self):
        while True:
            try:
                wire, peer = self._udp.recvfrom(4096)
            except OSError:
                return
            if not wire: # shut down
                return
            start(self._answer_udp, wire, peer)

    def _answer_udp(self, wire, peer):
        query = dns.message.from_wire(wire)
        response = self._answer(query)
        try:
            out = response.to_wire(max_size=max(query.payload, 512))
        except dns.exception.TooBig:
            cut = dns.message.make_response(query, recursion_available=True)
            cut.flags |= dns.flags.TC
            out = cut.to_wire()
        try:
            self._udp.sendto(out, peer)
        except OSError:
            pass

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            start(self._answer_tcp, connection)

    def _answer_tcp(self, connection):
        with connection, connection.makefile("rb") as f:
            while len(head := f.read(2)) == 2:
                wire = self._answer(dns.message.from_wire(f.read(struct.unpack("!H", head)[0]))).to_wire(max_size=65535)
                connection.sendall(struct.pack("!H", len(wire)) + wire)

    def _answer(self, query):
        question = query.question[0]
        response = dns.message.make_response(query, recursion_available=True)
        found = self._validator.ask(str(question.name), question.rdtype)
        if found is None or found.bogus or not found.answer_packet:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        packet = dns.message.from_wire(ctypes.string_at(found.answer_packet, found.answer_len))
        response.answer, response.authority = packet.answer, packet.authority
        if not query.ednsflags & dns.flags.DO: # signatures are for those who ask for them [RFC 4035 s3.2.1]
            response.answer = [r for r in response.answer if r.rdtype not in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC)]
            response.authority = []
        response.set_rcode(packet.rcode())
        if found.secure:
            response.flags |= dns.flags.AD
        return response
