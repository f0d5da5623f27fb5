# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for the test world."""
import datetime
import hashlib
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Certificate:
    """Files `certificate` (with the chain) and `key`, and the digest that a TLSA record of usage 3 1 1 carries."""

    def __init__(self, certificate, key, spki):
        self.certificate, self.key = certificate, key
        self.tlsa = "3 1 1 " + hashlib.sha256(spki).hexdigest()


class Authority:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test world authority")])
        self._ca = self._sign(self._name, self._key, None, True, -1, 365)
        self.file = os.path.join(folder, "ca.pem")
        self._write(self.file, self._ca.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names, days_from=-2, days_to=90):
        """A certificate for DNS names and IP addresses; days_to < 0 has expired already."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._sign(subject, key, names, False, days_from, days_to)
        base = os.path.join(self.folder, names[0].replace("*", "star"))
        pem = serialization.Encoding.PEM
        self._write(base + ".pem", certificate.public_bytes(pem) + self._ca.public_bytes(pem))
        self._write(base + ".key", key.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                                                     serialization.NoEncryption()))
        spki = key.public_key().public_bytes(serialization.Encoding.DER,
                                             serialization.PublicFormat.SubjectPublicKeyInfo)
        return Certificate(base + ".pem", base + ".key", spki)

    def _sign(self, subject, key, names, is_ca, days_from, days_to):
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(now + days_from * DAY).not_valid_after(now + days_to * DAY)
             .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True))
        if names:
            b = b.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), critical=False)
        if is_ca:
            usage = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                                   "key_agreement", "encipher_only", "decipher_only"], False)
            b = b.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        b = b.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return b.sign(self._key, hashes.SHA256())

    @staticmethod
    def _write(path, data):
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o644) # every server of the world may read it; it is worth nothing outside


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
