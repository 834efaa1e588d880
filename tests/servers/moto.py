"""moto (S3, SQS, EventBridge), as a fixture on loopback: a second opinion on the AWS that MiniStack plays.

It runs no functions here. A pytest plugin, as `tests.servers.emulators` is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.emulators import Emulator, aws_environment
from tests.transports import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def moto() -> Iterator[Emulator]:
    """AWS, except Lambda. Objects live until the end of the session: take a bucket of your own (`s3_bucket`)."""
    port = free_port()
    # Beside the interpreter, not on the PATH: the tests may run without an activated environment.
    program = Path(sys.executable).with_name("moto_server")
    with Server([str(program), "--host", "127.0.0.1", "--port", str(port)], {}, port):
        url = f"http://127.0.0.1:{port}"
        yield Emulator(url, aws_environment(url))
