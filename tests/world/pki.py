# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities for the test world, and certificates with every fault that a server's may have."""
import datetime
import hashlib
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
DIGESTS = {0: lambda data: data, 1: lambda data: hashlib.sha256(data).digest(), 2: lambda data: hashlib.sha512(data).digest()}
NOT_OF_A_CA = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
               "encipher_only", "decipher_only"]


class Certificate:
    """Files `certificate` (with what is sent of the chain) and `key`.

    path: the certificates from the leaf up to the root, whatever of them is sent.  tlsa: the record 3 1 1 of the leaf."""

    def __init__(self, certificate, key, path, private):
        self.certificate, self.key, self.path, self.private = certificate, key, path, private
        self.tlsa = self.record(3, 1, 1)

    def record(self, usage, selector, matching, of=0):
        """The TLSA record of one of the path: of=0 is the leaf, of=-1 the root."""
        c = self.path[of]
        data = c.public_bytes(DER) if selector == 0 else spki_of(c)
        return "%d %d %d %s" % (usage, selector, matching, DIGESTS[matching](data).hex())

    @property
    def fingerprint(self):
        """SHA-256 of the leaf, in lower-case hex."""
        return hashlib.sha256(self.path[0].public_bytes(DER)).hexdigest()


class Authority:
    """One root with its folder; below(name) is an intermediate of it, which issues by itself."""

    def __init__(self, folder, name="Test world authority", above=None, days_to=365):
        self.folder, self.above = folder, above
        os.makedirs(folder, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = above or self
        self._ca = signer._sign(self._name, self._key, None, True, -3, days_to)
        self.path = [self._ca] + (above.path if above else [])
        self.file = os.path.join(folder, name.lower().replace(" ", "-") + ".pem" if above else "ca.pem")
        write(self.file, self._ca.public_bytes(PEM))

    def below(self, name, days_to=365):
        return Authority(self.folder, name, self, days_to)

    def issue(self, *names, days_from=-2, days_to=90, sends="all", file=None, like=None, cn=None, san=True):
        """A certificate for DNS names and IP addresses; days_to < 0 has expired already.

        sends: what the server shows: "all" with the root, "chain" without it, "leaf" alone.
        like: another Certificate, whose key is used again.  san=False: its name stands in the CN alone."""
        key = like.private if like else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn or names[0])])
        leaf = self._sign(subject, key, names if san else None, False, days_from, days_to)
        return self._keep(file or names[0], key, [leaf] + self.path, sends)

    def self_signed(self, *names, days_to=90, file=None):
        """Signed with its own key: no authority knows it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        leaf = build(subject, subject, key, names, False, -2, days_to).sign(key, hashes.SHA256())
        return self._keep(file or "self-" + names[0], key, [leaf], "leaf")

    def _keep(self, name, key, path, sends):
        base = os.path.join(self.folder, name.replace("*", "star"))
        sent = {"all": path, "chain": path[:-1], "leaf": path[:1]}[sends]
        write(base + ".pem", b"".join(c.public_bytes(PEM) for c in sent))
        write(base + ".key", key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return Certificate(base + ".pem", base + ".key", path, key)

    def _sign(self, subject, key, names, is_ca, days_from, days_to):
        return build(subject, self._name, key, names, is_ca, days_from, days_to).sign(self._key, hashes.SHA256())


def build(subject, issuer, key, names, is_ca, days_from, days_to):
    now = datetime.datetime.utcnow()
    b = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
         .serial_number(x509.random_serial_number())
         .not_valid_before(now + days_from * DAY).not_valid_after(now + days_to * DAY)
         .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True))
    if names:
        b = b.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), critical=False)
    if is_ca:
        usage = dict.fromkeys(NOT_OF_A_CA, False)
        b = b.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
    return b.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def spki_of(certificate):
    return certificate.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644) # every server of the world may read it; it is worth nothing outside


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
