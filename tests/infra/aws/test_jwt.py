"""AuthMode jwt on a gateway: the template's own routes and authorizer, with an issuer of tokens on loopback."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.infra.aws.template import Resolved
from tests.servers.deployment import Deployment
from tests.servers.front import Asked, Front, Said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.emulators import Emulator


AUDIENCE = "line-3"


def text64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Issuer(Front):
    """Publishes its key as OpenID Connect has it, and makes tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def answer(self, asked: Asked, port: int | None) -> Said:
        """The configuration, and the keys that it names."""
        assert port is None
        if asked.url.endswith("/.well-known/openid-configuration"):
            content: dict[str, Any] = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        else:
            numbers = self.key.public_key().public_numbers()
            parts = {"n": numbers.n.to_bytes(256, "big"), "e": numbers.e.to_bytes(3, "big")}
            key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", **{n: text64(b) for n, b in parts.items()}}
            content = {"keys": [key]}
        return Said(200, {"content-type": "application/json"}, json.dumps(content).encode())

    def token(self, claims: dict[str, object] | None = None, key: rsa.RSAPrivateKey | None = None) -> str:
        """A token that holds for five minutes; claims may be others, and so may be the key."""
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "camera", "iat": now, "exp": now + 300, **(claims or {})}
        parts = [text64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "1"}, said)]
        signature = (key or self.key).sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, text64(signature)])


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Running."""
    with Issuer() as running:
        yield running


class Gateway:
    """The template's HTTP API with AuthMode jwt, before the api function."""

    def __init__(self, emulator: Emulator, deployed: Deployment, issuer: Issuer) -> None:
        self._url = emulator.url
        resources = Resolved(AuthMode="jwt", JwtIssuer=issuer.url, JwtAudience=AUDIENCE).resources
        deployed.add_function("jwt-api", "aws.api")
        found = deployed.client("lambda").get_function(FunctionName="jwt-api")["Configuration"]["FunctionArn"]
        client = deployed.client("apigatewayv2")
        properties = {name: dict(resource["Properties"]) for name, resource in resources.items()}
        api = client.create_api(**properties["Api"])
        self._host = urlsplit(api["ApiEndpoint"]).netloc
        # As CloudFormation does: what was made has an id, which the next is given in place of its name.
        integration = {**properties["ApiIntegration"], "ApiId": api["ApiId"], "IntegrationUri": found}
        target = f"integrations/{client.create_integration(**integration)['IntegrationId']}"
        authorizer = client.create_authorizer(**{**properties["ApiAuthorizer"], "ApiId": api["ApiId"]})["AuthorizerId"]
        for name, resource in resources.items():
            if resource["Type"] == "AWS::ApiGatewayV2::Route":
                made = {"ApiId": api["ApiId"], "Target": target, "AuthorizerId": authorizer}
                client.create_route(**{key: made.get(key, value) for key, value in properties[name].items()})
        client.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)

    def ask(self, method: str, path: str, token: str | None = None) -> tuple[int, bytes]:
        """Send a request, by the host name of the API and without asking any DNS for it."""
        headers = {"host": self._host}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        request = urllib.request.Request(f"{self._url}{path}", None, headers, method=method)  # noqa: S310 - ours
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


@pytest.fixture(scope="module")
def gateway(ministack: Emulator, issuer: Issuer, probe_file: Path) -> Gateway:
    """Deployed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ministack.environment.items():
            patch.setenv(name, value)
        deployed = Deployment(ministack, "jwt", eventbridge=False, settings={"MODEL_URI": str(probe_file)})
        return Gateway(ministack, deployed, issuer)


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
def test_the_page_loads_without_a_token(gateway: Gateway, path: str) -> None:
    status, body = gateway.ask("GET", path)
    assert status == 200
    assert b"steel" in body.lower()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/model"),
        ("POST", "/predict"),
        ("POST", "/"),
        ("POST", "/uploads"),
        ("GET", "/docs/x"),
        ("GET", "/results/web/a"),  # MiniStack answers /health by itself.
    ],
)
def test_everything_else_asks_for_one(gateway: Gateway, method: str, path: str) -> None:
    assert gateway.ask(method, path)[0] == 401
    assert gateway.ask(method, path, "no.token.atall")[0] == 401


def test_a_token_of_the_issuer_opens(gateway: Gateway, issuer: Issuer) -> None:
    status, body = gateway.ask("GET", "/model", issuer.token())
    assert status == 200, body
    assert json.loads(body)["name"] == "probe"
    assert gateway.ask("GET", "/nothing", issuer.token())[0] == 404


@pytest.mark.parametrize("claims", [{"aud": "line-4"}, {"iss": "https://elsewhere.test"}, {"exp": 1_600_000_000}])
def test_a_token_for_another_or_of_another_or_of_yesterday_does_not(
    gateway: Gateway, issuer: Issuer, claims: dict[str, object]
) -> None:
    assert gateway.ask("GET", "/model", issuer.token(claims))[0] == 401


def test_a_token_that_somebody_else_signed_does_not(gateway: Gateway, issuer: Issuer) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert gateway.ask("GET", "/model", issuer.token(key=other))[0] == 401
