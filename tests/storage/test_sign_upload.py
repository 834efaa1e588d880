"""A signed URL lets whoever has it put one picture of one size and type; memory and folders have none.

MiniStack takes signed requests and checks nothing of them here, and neither does fake-gcs-server: so what is bound is
seen in what was signed, and the signatures are checked by their public rules.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from steel_defect.storage import SignedUpload, SigningUnsupported, Store, gcs_signing, open_store
from tests.servers.front import Asked, Front, Said
from tests.servers.google_account import ACCOUNT, key_file, make_key
from tests.servers.tls import make_certificate

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from tests.servers.emulators import Emulator

KEY: Final = "web/2026-01-31/a b+%2B/ü.jpg"
PICTURE: Final = b"the bytes of a picture"


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    """Of a service account."""
    return make_key()


@pytest.fixture(autouse=True)
def credentials(tmp_path: Path, private_key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The key file of a service account, which Google's libraries are told of."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, private_key)))
    gcs_signing._credentials.cache_clear()  # noqa: SLF001 - as a new process
    yield
    gcs_signing._credentials.cache_clear()  # noqa: SLF001 - as above


def sign(store: Store) -> SignedUpload:
    return store.sign_upload(KEY, content_type="image/jpeg", size=len(PICTURE), expires_seconds=900)


def put(signed: SignedUpload, data: bytes) -> int:
    """The status of what any HTTP client would send."""
    url = urlsplit(signed.url)
    assert url.netloc.startswith("127.0.0.1:")
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    connection.request("PUT", f"{url.path}?{url.query}", data, dict(signed.headers))
    status = connection.getresponse().status
    connection.close()
    return status


def test_what_was_signed_can_be_put_or_signing_is_refused(store: Store, uri: str) -> None:
    if uri.startswith(("memory:", "file:")):
        with pytest.raises(SigningUnsupported, match="has no signed URLs"):
            sign(store)
        return
    signed = sign(store)
    assert put(signed, PICTURE) == 200
    assert store.get(KEY).data == PICTURE
    assert [info.key for info in open_store(uri).list()] == [KEY]


def test_type_and_size_and_a_quarter_of_an_hour_are_bound_on_s3(ministack: Emulator, s3_store: Store) -> None:
    signed = sign(s3_store)
    url = urlsplit(signed.url)
    query = dict(parse_qsl(url.query))
    assert query["X-Amz-Expires"] == "900"
    assert query["X-Amz-SignedHeaders"] == "content-length;content-type;host"
    assert signed.headers == {"content-type": "image/jpeg"}
    bound = {"content-length": str(len(PICTURE)), "content-type": "image/jpeg", "host": url.netloc}
    assert query.pop("X-Amz-Signature") == signature(ministack, url.path, query, bound)
    assert "x-amz-checksum" not in signed.url.lower()
    assert "x-amz-sdk" not in signed.url.lower()


def signature(emulator: Emulator, path: str, query: dict[str, str], headers: dict[str, str]) -> str:
    """Signature Version 4 in a query, as AWS's guide has it."""
    scope = query["X-Amz-Credential"].partition("/")[2]
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    wanted = ["PUT", path, canonical(query), lines, ";".join(headers), "UNSIGNED-PAYLOAD"]
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    key = f"AWS4{emulator.environment['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, digest])
    return hmac.digest(key, text.encode(), "sha256").hex()


def canonical(query: dict[str, str]) -> str:
    return "&".join(sorted(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query.items()))


@pytest.fixture
def s3_store(ministack: Emulator, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """In S3."""
    for name, value in ministack.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"s3://{s3_bucket}/signed")


@pytest.fixture
def gcs_store(fake_gcs: Emulator, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """In Cloud Storage."""
    for name, value in fake_gcs.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"gs://{gcs_bucket}/signed")


def check_google(signed: SignedUpload, private_key: rsa.RSAPrivateKey) -> None:
    """Google's V4 rules, and what is bound."""
    url = urlsplit(signed.url)
    query = dict(parse_qsl(url.query))
    assert query["X-Goog-Expires"] == "900"
    assert query["X-Goog-Credential"].startswith(f"{ACCOUNT}/")
    size = f"{len(PICTURE)},{len(PICTURE)}"
    assert signed.headers == {"content-type": "image/jpeg", "x-goog-content-length-range": size}
    stated = bytes.fromhex(query.pop("X-Goog-Signature"))
    headers = {"content-type": "image/jpeg", "host": url.netloc, "x-goog-content-length-range": size}
    assert query["X-Goog-SignedHeaders"] == ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    wanted = "\n".join(["PUT", url.path, canonical(query), lines, ";".join(headers), "UNSIGNED-PAYLOAD"])
    scope = query["X-Goog-Credential"].partition("/")[2]
    text = ["GOOG4-RSA-SHA256", query["X-Goog-Date"], scope, hashlib.sha256(wanted.encode()).hexdigest()]
    private_key.public_key().verify(stated, "\n".join(text).encode(), padding.PKCS1v15(), hashes.SHA256())


def test_type_and_size_and_a_quarter_of_an_hour_are_bound_on_cloud_storage(
    gcs_store: Store, private_key: rsa.RSAPrivateKey
) -> None:
    check_google(sign(gcs_store), private_key)


class Google(Front):
    """The metadata server of a function's instance, and IAM: the account has no key there, and may sign by a call."""

    def __init__(self, private_key: rsa.RSAPrivateKey, context: ssl.SSLContext) -> None:
        super().__init__(inside=context)
        self._private_key = private_key

    def answer(self, asked: Asked, port: int | None) -> Said:
        """Give the account, its token, or a signature."""
        assert port is None
        self.asked.append(asked)
        headers = {"metadata-flavor": "Google", "content-type": "application/json"}
        return Said(200, headers, json.dumps(self.say(asked)).encode())

    def say(self, asked: Asked) -> dict[str, Any]:
        """As the services do."""
        path = urlsplit(asked.url).path
        if path.endswith(":signBlob"):
            assert path == f"/v1/projects/-/serviceAccounts/{ACCOUNT}:signBlob"
            assert asked.headers["authorization"] == "Bearer of-the-function"
            payload = base64.b64decode(json.loads(asked.body)["payload"])
            signed = self._private_key.sign(payload, padding.PKCS1v15(), hashes.SHA256())
            return {"keyId": "1", "signedBlob": base64.b64encode(signed).decode()}
        if path.endswith("/token"):
            scopes = parse_qs(urlsplit(asked.url).query)["scopes"]
            assert scopes == ["https://www.googleapis.com/auth/cloud-platform"]
            return {"access_token": "of-the-function", "expires_in": 3600, "token_type": "Bearer"}
        return {"email": ACCOUNT, "scopes": []}


IN_A_FUNCTION: Final = """
import json, sys
from steel_defect.storage import SigningUnsupported, open_store
key, size = sys.argv[1], int(sys.argv[2])
store = open_store("gs://bucket/signed")
try:
    signed = store.sign_upload(key, content_type="image/jpeg", size=size, expires_seconds=900)
    print(json.dumps([signed.url, dict(signed.headers)]))
except SigningUnsupported as error:
    print(json.dumps(str(error)))
"""


def in_a_function(environment: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    """Sign in a process of its own: google-auth reads the environment when it is imported."""
    run = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", IN_A_FUNCTION, KEY, str(len(PICTURE))],
        env={"STORAGE_EMULATOR_HOST": "http://storage.test", "GOOGLE_CLOUD_PROJECT": "test", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_account_of_a_function_signs_by_iam(private_key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    context, trusted = make_certificate(tmp_path, "iamcredentials.googleapis.com")
    with Google(private_key, context) as google:
        here = f"127.0.0.1:{google.port}"
        metadata = {"GCE_METADATA_HOST": here, "GCE_METADATA_IP": here, "no_proxy": "127.0.0.1"}
        signed = in_a_function({**metadata, "https_proxy": google.url, "REQUESTS_CA_BUNDLE": str(trusted)})
    check_google(SignedUpload(*signed), private_key)
    assert [urlsplit(asked.url).path for asked in google.asked if asked.method == "POST"] == [
        f"/v1/projects/-/serviceAccounts/{ACCOUNT}:signBlob"
    ]


def test_a_person_cannot_sign(tmp_path: Path) -> None:
    person = {"type": "authorized_user", "client_id": "1", "client_secret": "2", "refresh_token": "3"}
    (tmp_path / "person.json").write_text(json.dumps(person))
    said = in_a_function({"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "person.json")})
    assert said == "these credentials cannot sign a URL: that takes a service account"


def test_without_credentials_nothing_is_signed() -> None:
    assert "there are no credentials to sign a URL with" in in_a_function({"NO_GCE_CHECK": "true", "HOME": "/nowhere"})
