# SPDX-License-Identifier: Apache-2.0
"""Authoritative name servers that are played, each by itself: one lacks a record, one is dead, one is lame, one answers at length."""
import socket
import socketserver
import struct
import threading

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class OddDns:
    """One server of a zone, over UDP and TCP.  table: {(name, type): [record text, ...]}, changed at will; what is not in it does not exist.

    how: "answers", "silent" (takes questions and says nothing), "lame" (REFUSED).  cuts: {name: name server's name} below which others answer.
    asked: the questions, as (name, type); by_tcp: those that came by TCP."""

    def __init__(self, address, zone, servers):
        self.zone, self.servers = zone, servers
        self.how, self.table, self.cuts, self.asked, self.by_tcp = "answers", {}, {}, [], []
        played = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                wire = played._wire(data, 1232)
                if wire:
                    sock.sendto(wire, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while True:
                    head = self.rfile.read(2)
                    if len(head) < 2:
                        return
                    wire = played._wire(self.rfile.read(struct.unpack("!H", head)[0]), 65535, played.by_tcp)
                    if wire is None:
                        return
                    self.wfile.write(struct.pack("!H", len(wire)) + wire)

        class UdpServer(socketserver.ThreadingUDPServer):
            allow_reuse_address = daemon_threads = True

        class TcpServer(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
        self._servers = [UdpServer((address, 53), Udp), TcpServer((address, 53), Tcp)]

    def __enter__(self):
        for s in self._servers:
            threading.Thread(target=s.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        for s in self._servers:
            s.shutdown()
            s.server_close()

    def _wire(self, data, most, also=None):
        query = dns.message.from_wire(data)
        question = query.question[0]
        key = (str(question.name).rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype))
        self.asked.append(key)
        if also is not None:
            also.append(key)
        if self.how == "silent":
            return None
        response = dns.message.make_response(query)
        if self.how == "lame":
            response.set_rcode(dns.rcode.REFUSED)
        else:
            self._fill(response, question.name, *key)
        try:
            return response.to_wire(max_size=most)
        except dns.exception.TooBig:
            cut = dns.message.make_response(query)
            cut.flags |= dns.flags.TC | dns.flags.AA
            return cut.to_wire()

    def _fill(self, response, qname, name, kind):
        for cut, server in self.cuts.items():
            if name == cut or name.endswith("." + cut):
                response.authority.append(dns.rrset.from_text(cut + ".", 1, "IN", "NS", server))
                return
        response.flags |= dns.flags.AA
        table = dict(self.table)
        table[(self.zone, "NS")] = ["%s." % s for s in self.servers]
        table[(self.zone, "SOA")] = ["ns.%s. hostmaster.%s. 1 3600 600 86400 0" % (self.zone, self.zone)]
        if (name, "CNAME") in table:
            response.answer.append(dns.rrset.from_text_list(qname, 1, "IN", "CNAME", table[name, "CNAME"]))
        elif (name, kind) in table:
            response.answer.append(dns.rrset.from_text_list(qname, 1, "IN", kind, table[name, kind]))
        else:
            response.authority.append(dns.rrset.from_text_list(self.zone + ".", 0, "IN", "SOA", table[self.zone, "SOA"]))
            if not any(n == name or n.endswith("." + name) for n, _ in table):
                response.set_rcode(dns.rcode.NXDOMAIN)
