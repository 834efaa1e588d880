"""The real template, built and deployed by SAM CLI, on MiniStack over TLS with its IAM switched on.

MiniStack runs Lambda functions with its own interpreter, so it has an environment of its own here, of Lambda's Python
and without any package of the functions: what they import is in the package, or is missing.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session

from tests.conftest import REPOSITORY
from tests.servers.emulators import Emulator
from tests.transports import SAM_CLI, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

# SAM CLI's own; MiniStack's CloudFormation transforms the template with it.
SAM_TRANSLATOR = "aws-sam-translator==1.115.0"
STACK = "steel-defect-dev"
STACKS = {"dev": STACK, "prod": "steel-defect"}
REGION = "us-east-1"


@dataclass(frozen=True)
class Stack:
    """A deployed stack: where it is, and its outputs."""

    emulator: Emulator
    outputs: dict[str, str]
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore states no types
        """A client with the credentials of the account's root user."""
        if service not in self._clients:
            self._clients[service] = client(self.emulator, service)
        return self._clients[service]


def client(emulator: Emulator, service: str) -> Any:  # noqa: ANN401 - botocore states no types
    """A client of MiniStack."""
    return Session().create_client(
        service,
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id=emulator.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=emulator.environment["AWS_SECRET_ACCESS_KEY"],
        verify=emulator.environment["AWS_CA_BUNDLE"],
    )


def uv() -> str:
    """The program, or a skipped test."""
    found = shutil.which("uv")
    if found is None:
        pytest.skip("no uv on the PATH: pip install uv")
    return found


def sam(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run SAM CLI in the root of the repository, and give what it printed."""
    return sam_tool("sam", *arguments, environment=environment)


def sam_tool(*command: str, environment: dict[str, str] | None = None) -> str:
    """Run a program of SAM CLI's environment in the root of the repository, and give what it printed."""
    run = subprocess.run(  # noqa: S603 - our own command
        [uv(), "tool", "run", "--from", SAM_CLI, *command],
        cwd=REPOSITORY,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert run.returncode == 0, f"{run.stdout[-3000:]}\n{run.stderr[-3000:]}"
    return run.stdout


@pytest.fixture(scope="session")
def lambda_python() -> str:
    """This interpreter, where it is of Lambda's version."""
    if not platform.python_version().startswith("3.13."):
        pytest.skip("the package is compiled and run with Lambda's Python 3.13: .ci/deployed runs these tests there")
    return sys.executable


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory, lambda_python: str) -> Path:
    """What `sam build` makes: template.yaml, and a folder for each function."""
    folder = tmp_path_factory.mktemp("sam") / "build"
    # First on the PATH: the package is compiled with it.
    path = f"{Path(lambda_python).parent}:{os.environ['PATH']}"
    sam("build", "--build-dir", str(folder), "--parallel", environment={"PATH": path})
    return folder


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, lambda_python: str) -> Iterator[Emulator]:
    """MiniStack by HTTPS alone, in an environment of its own; it checks signatures and policies."""
    port = free_port()
    folder = tmp_path_factory.mktemp("cloud")
    certificate = folder / "ministack-tls" / "server.crt"
    needs = [f"ministack=={version('ministack')}", f"botocore=={version('botocore')}", SAM_TRANSLATOR]
    python = folder / "venv" / "bin" / "python"
    for command in (
        ["venv", "--quiet", "--python", lambda_python, str(folder / "venv")],
        ["pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *needs],
    ):
        subprocess.run([uv(), *command], check=True)  # noqa: S603 - our own command; compiled, for a start in time
    program = Path(__file__).with_name("ministack_more.py")
    environment = {
        "AUTH": "true",
        "USE_SSL": "1",
        "AWS_CA_BUNDLE": str(certificate),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(folder),
        "OMP_NUM_THREADS": "1",
    }
    with Server([str(python), str(program)], environment, port):
        url = f"https://127.0.0.1:{port}"
        yield Emulator(
            url,
            {
                "AWS_ENDPOINT_URL": url,
                "AWS_CA_BUNDLE": str(certificate),
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )


def deploy(build: Path, cloud: Emulator, *options: str, stage: str = "dev") -> dict[str, Any]:
    """Run `sam deploy --config-env STAGE`, in MiniStack's region, and give the stack's description."""
    settings = ["--config-env", stage, "--config-file", str(REPOSITORY / "samconfig.toml"), "--no-confirm-changeset"]
    where = ["--template-file", str(build / "template.yaml"), "--region", REGION]
    sam("deploy", *settings, *where, *options, environment=cloud.environment)
    found: dict[str, Any] = client(cloud, "cloudformation").describe_stacks(StackName=STACKS[stage])["Stacks"][0]
    return found


def deployed(cloud: Emulator, found: dict[str, Any]) -> Stack:
    """A stack, of what CloudFormation says of it."""
    return Stack(cloud, {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]})


@pytest.fixture(scope="session")
def stack(build: Path, cloud: Emulator) -> Stack:
    """The stack as the first deployment leaves it."""
    found = deploy(build, cloud)
    assert found["StackStatus"] == "CREATE_COMPLETE"
    return deployed(cloud, found)
