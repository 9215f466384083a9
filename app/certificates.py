"""The web server's certificate: which files it is in.

How one is made is `app.certificate_authority`'s matter, which needs a library that no start should wait for.
"""

from dataclasses import dataclass
from pathlib import Path

from app.errors import Invalid
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a certificate and its key, PEM."""

    certificate: Path
    key: Path


def configured(settings: Settings) -> Certificate | None:
    """The web server's certificate: that of the settings, else that of `tls init`, else None: plain HTTP.

    Raises `Invalid` where only one of the two settings is there, or a file is missing.
    """
    certificate, key = settings.tls_cert, settings.tls_key
    if (certificate is None) != (key is None):
        raise Invalid("BIRTHMARK_TLS_CERT and BIRTHMARK_TLS_KEY go together: set both, or neither.")
    if certificate is None or key is None:
        own = made_by_us(settings.data_dir / "tls")
        return own if own.certificate.exists() and own.key.exists() else None
    for file in (certificate, key):
        if not file.exists():
            raise Invalid(f"{file} is not there. Correct BIRTHMARK_TLS_CERT and BIRTHMARK_TLS_KEY.")
    return Certificate(certificate, key)


def made_by_us(folder: Path) -> Certificate:
    """Where `tls init` puts the server's certificate in its folder."""
    return Certificate(folder / "server.crt", folder / "server.key")
