"""A certificate authority of the factory's own, and the web server's certificate from it.

Browsers give a page the camera only over HTTPS (W3C Secure Contexts), and cookies that no other
host can set (`__Host-`) need it as well. `tls init` makes both; `ca.crt` is installed once on each
tablet. The server's certificate is made anew with every call, for another name or another two years.
"""

import ipaddress
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.certificates import Certificate, made_by_us
from app.errors import Invalid

_AUTHORITY_LASTS = timedelta(days=3650)
_SERVER_LASTS = timedelta(days=820)  # Apple's devices refuse more than 825 days
_A_DAY = timedelta(days=1)  # clocks of tablets go wrong


def days_left(files: Certificate) -> int:
    """Whole days until the certificate expires; negative once it has."""
    found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return (found.not_valid_after_utc - datetime.now(UTC)).days


def initialise(folder: Path, hosts: Sequence[str] = ()) -> tuple[Path, list[str]]:
    """Make the server's certificate for `hosts` and this machine's own names; the authority, too, the first time.

    Returns the authority's certificate, to be installed on tablets, and the names that are covered.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = Certificate(folder / "ca.crt", folder / "ca.key")
    if not (authority.certificate.exists() and authority.key.exists()):
        _make_authority(authority)
    names = list(dict.fromkeys([*hosts, *_own_names()]))
    _make_server(made_by_us(folder), authority, names)
    return authority.certificate, names


def _own_names() -> list[str]:
    """What this machine is called and where it is reached; the route to nowhere tells the address used outwards."""
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname(), f"{socket.gethostname()}.local"]
    for family, nowhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((nowhere, 9))  # a datagram socket sends nothing by connecting
                names.append(probe.getsockname()[0])
        except OSError:
            continue
    return names


def _make_authority(files: Certificate) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Birthmark of {socket.gethostname()}"[:64])])
    certificate = (
        _begun(name, name, key, _AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(files, certificate, key)


def _make_server(files: Certificate, authority: Certificate, names: Sequence[str]) -> None:
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    issuer_key = serialization.load_pem_private_key(authority.key.read_bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        _begun(name, issuer.subject, key, _SERVER_LASTS)
        .add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    _write(files, certificate, key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _A_DAY)
        .not_valid_after(now + lasts)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise Invalid(f"{name!r} is neither a host name nor an address. Write it in ASCII (xn--...).") from None


def _write(files: Certificate, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.key.unlink(missing_ok=True)
    with os.fdopen(os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
