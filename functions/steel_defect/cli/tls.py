"""TLS before the server of `serve`: takes encrypted connections, and passes what is in them on to it.

waitress speaks no TLS. This waits for slow handshakes, and for many clients at once, without a thread for each.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK: Final = 65_536
_HANDSHAKE_SECONDS: Final = 10


class CertificateError(ValueError):
    """No connection can be encrypted with these files; says why."""


def context_of(certificate: Path, key: Path) -> ssl.SSLContext:
    """What encrypts.

    Args:
        certificate: PEM file of the server's certificate, with those between it and the authority behind it.
        key: PEM file of its private key, without a password.

    Raises:
        CertificateError: they cannot be read, or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # An SSLError is an OSError.
        message = f"{certificate} and {key} are no certificate and its key, in PEM and without a password: {error}"
        raise CertificateError(message) from error
    return context


def _no_password() -> str:
    message = "the key has a password"
    raise ValueError(message)


def encrypt(context: ssl.SSLContext, host: str, port: int, inner_port: int) -> None:
    """Listen for TLS in a thread of its own, until the program ends, and pass on to a port of this machine.

    Raises:
        OSError: nothing can listen there.
    """
    loop = asyncio.new_event_loop()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", inner_port)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    listening = asyncio.start_server(passed_on, host, port, ssl=context, ssl_handshake_timeout=_HANDSHAKE_SECONDS)
    loop.run_until_complete(listening)
    Thread(target=loop.run_forever, daemon=True).start()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until either side ends; then neither has more to say to the other."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
