"""A service account of Google that exists in a file only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT: Final = "api@my-project.iam.gserviceaccount.com"


def make_key() -> rsa.RSAPrivateKey:
    """The account's private key."""
    return rsa.generate_private_key(65537, 2048)


def key_file(folder: Path, key: rsa.RSAPrivateKey) -> Path:
    """As Google hands it out, for GOOGLE_APPLICATION_CREDENTIALS."""
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    account = {"type": "service_account", "client_email": ACCOUNT, "private_key": pem.decode(), "token_uri": "http://t"}
    path = folder / "key.json"
    path.write_text(json.dumps(account))
    return path
