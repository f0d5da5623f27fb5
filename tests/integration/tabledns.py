# SPDX-License-Identifier: Apache-2.0
"""A name server that answers from a table, over UDP: for programs that ask the system's resolver."""
import socket
import threading

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class TableDns:
    """table: {(name, type): [record text, ...]}; other types of these names have no data, other names do not exist.

    None instead of a table, or of the records: the server fails (SERVFAIL).  asked: the questions, as (name, type) in lower case."""

    def __init__(self, address, table, port=53):
        self.table = None if table is None else {(name.lower(), kind): records for (name, kind), records in table.items()}
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.settimeout(0.1)
        self._socket.bind((address, port))
        self._stop = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop = True
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while not self._stop:
            try:
                packet, peer = self._socket.recvfrom(4096)
            except socket.timeout:
                continue
            self._socket.sendto(self._answer(dns.message.from_wire(packet)).to_wire(), peer)

    def _answer(self, query):
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        name, kind = str(question.name).rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if self.table is None or self.table.get((name, kind), ()) is None:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in self.table:
            response.answer.append(dns.rrset.from_text_list(question.name, 300, "IN", kind, self.table[name, kind]))
        elif not any(n == name or n.endswith("." + name) for n, _ in self.table):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response
