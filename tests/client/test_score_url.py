"""`steel-defect score --url`: the same as on this machine, by any deployment."""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from steel_defect.cli import main
from steel_defect.client import NoService, ServiceProblem, connect
from steel_defect.client import http as client_http
from steel_defect.errors import Busy
from tests.pictures import encoded, strip_jpeg
from tests.servers.front import Asked, Front, Said
from tests.servers.tls import make_certificate
from tests.transports import CloudRun, Lambda, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY = Said(503, {"content-type": "application/json"}, b'{"message": "Service Unavailable"}')
THROTTLED = Said(429, {"content-type": "application/json"}, b'{"message": "Too Many Requests"}')
CUT = Said(None)


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a dark, a middle and a bright strip, and a file that is no picture."""
    (tmp_path / "line 3").mkdir()
    for name, shade in (("dark.png", 10), ("line 3/middle.png", 150), ("line 3/über.png", 250)):
        (tmp_path / name).write_bytes(encoded(Image.new("L", (1600, 256), shade), "PNG"))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def front(cloud_run: CloudRun) -> Iterator[Front]:
    """A deployment with something before it that can fail."""
    with Front(cloud_run.port) as server:
        yield server


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the client waits, only shorter; and nothing of the developer's own credentials."""
    monkeypatch.setattr(client_http, "_FIRST_WAIT_SECONDS", 0.01)
    for name in ("STEEL_DEFECT_TOKEN", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def score(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["score", "--url", url, *arguments])


def local(probe_file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["score", "--model", str(probe_file), *arguments])


def without_times(result: Result) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return [{name: value for name, value in row.items() if name != "timings_ms"} for row in rows]


@pytest.mark.usefixtures("pictures")
def test_the_answers_are_those_of_this_machine_in_the_order_given(front: Front, probe_file: Path) -> None:
    for arguments in (["--json", "."], ["--json", "--map", "line 3", "dark.png"]):
        far, near = score(front.url, *arguments), local(probe_file, *arguments)
        assert far.exit_code == near.exit_code
        assert without_times(far) == without_times(near)
    far, near = score(front.url, "--csv", "."), local(probe_file, "--csv", ".")
    assert far.stdout == near.stdout
    assert [row["prob_left"] != "" for row in csv.DictReader(io.StringIO(far.stdout))] == [False, True, True, True]


@pytest.mark.usefixtures("pictures")
def test_a_table_and_an_exit_status_as_on_this_machine(front: Front) -> None:
    result = score(front.url, "--fail-on", "reject", ".")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "4 pictures: 1 pass, 1 review, 1 reject, 1 not scored"
    assert "broken.jpg: the bytes are not a picture that can be read" in result.stdout
    assert score(front.url, "--fail-on", "reject", "dark.png").exit_code == 0
    assert score(front.url, "broken.jpg", "dark.png").exit_code == 1


def test_many_at_once_come_in_order(pictures: Path, front: Front) -> None:
    for index in range(40):
        (pictures / f"{index:02}.jpg").write_bytes(strip_jpeg())
    names = [f"{index:02}.jpg" for index in reversed(range(40))]
    result = score(front.url, "--json", "--parallel", "4", *names)  # more than are sent ahead
    assert [row["path"] for row in without_times(result)] == names
    assert len(front.asked) == 41


@pytest.mark.parametrize("failures", [[BUSY], [THROTTLED, THROTTLED], [CUT], [CUT, BUSY, THROTTLED, CUT, BUSY]])
@pytest.mark.usefixtures("pictures")
def test_what_may_pass_is_tried_again(front: Front, failures: list[Said]) -> None:
    front.first.extend(failures)
    result = score(front.url, "--json", "dark.png")
    assert result.exit_code == 0, result.output
    assert len(front.asked) == 1 + len(failures) + 1


@pytest.mark.parametrize("failure", [BUSY, CUT])
@pytest.mark.usefixtures("pictures")
def test_what_does_not_pass_is_one_row_that_says_so(front: Front, failure: Said) -> None:
    front.first.extend([failure] * 6)
    result = score(front.url, "--json", "--parallel", "1", "dark.png", "line 3/middle.png")
    assert result.exit_code == 1
    first, second = without_times(result)
    assert first["problem"]["type"].endswith(":no-answer")
    assert second["decision"] == "review"


@pytest.mark.parametrize("stated", ["1", lambda: formatdate(time.time() + 2, usegmt=True)], ids=["seconds", "date"])
@pytest.mark.usefixtures("pictures")
def test_as_long_as_it_is_asked_to_wait_it_waits(front: Front, stated: Any) -> None:  # noqa: ANN401 - text or a call
    wait = stated if isinstance(stated, str) else stated()
    front.first.append(Said(429, {"retry-after": wait}, b""))
    start = time.monotonic()
    assert score(front.url, "dark.png").exit_code == 0
    assert 0.9 < time.monotonic() - start < 60


@pytest.mark.usefixtures("pictures")
def test_a_picture_that_the_platform_does_not_take_is_sent_to_the_bucket(front: Front) -> None:
    front.first.append(Said(413, {"content-type": "application/json"}, b'{"message": "Request Too Long"}'))
    result = score(front.url, "dark.png")
    assert result.exit_code == 1
    assert "steel-defect upload" in result.stdout


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.usefixtures("pictures")
def test_who_is_not_let_in_is_told_what_to_do(front: Front, status: int) -> None:
    front.first.append(Said(status, {}, b'{"message": "Forbidden"}'))
    result = score(front.url, "dark.png")
    assert result.exit_code == 1
    assert f"answers {status}: the caller must show who it is: give a token with --token" in result.stdout


@pytest.mark.usefixtures("pictures")
def test_the_token_is_sent_and_may_come_from_the_environment(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    assert score(front.url, "--token", "secret", "dark.png").exit_code == 0
    monkeypatch.setenv("STEEL_DEFECT_TOKEN", "other")
    assert score(front.url, "dark.png").exit_code == 0
    assert [asked.headers["authorization"] for asked in front.asked] == ["Bearer secret"] * 2 + ["Bearer other"] * 2


@pytest.mark.usefixtures("pictures")
def test_what_is_no_such_service_is_told_before_any_picture_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with Front() as other:
        result = score(other.url, "dark.png")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {other.url}/model answers 200")
        assert "not a steel-defect service" in result.stderr
        assert [asked.method for asked in other.asked] == ["GET"]
    monkeypatch.setattr(client_http, "_CONNECT_SECONDS", 1)
    result = score(f"http://127.0.0.1:{free_port()}", "dark.png")
    assert result.exit_code == 1
    assert "cannot be reached: Connection refused" in result.stderr


@pytest.mark.parametrize("url", ["ftp://host", "host", "lambda://", "https://", "http://[", "https://host/?a=b"])
@pytest.mark.usefixtures("pictures")
def test_what_is_no_url(url: str) -> None:
    result = score(url, "dark.png")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "is not the URL of a service" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--parallel", "3", "dark.png"], "--parallel goes with --url"),
        (["--json", "--csv", "dark.png"], "--json and --csv exclude each other"),
        (["--url", "http://host", "s3://bucket"], "--url goes with"),
        (["--url", "http://host", "--model", "dark.png", "dark.png"], "--url goes with"),
        (["--url", "http://host", "--parallel", "0", "dark.png"], "--parallel"),
    ],
)
@pytest.mark.usefixtures("pictures")
def test_a_wrong_command_line_says_what_is_wrong(arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(main, ["score", *arguments])
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_certificate_that_nobody_trusts_is_told_and_one_that_is_trusted_works(
    pictures: Path, cloud_run: CloudRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = make_certificate(pictures, "localhost")
    with Front(cloud_run.port, context) as front:
        result = score(front.url, "dark.png")
        assert result.exit_code == 1
        assert "has no certificate that is trusted here: [SSL: CERTIFICATE_VERIFY_FAILED]" in result.stderr
        assert front.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert score(front.url, "dark.png").exit_code == 0


# ---- As the clouds have it: by their own host names, through a proxy on loopback ----


def far(front: Front, monkeypatch: pytest.MonkeyPatch, **environment: str) -> None:
    """Let this process reach every host through the front."""
    for name, value in {"http_proxy": front.url, **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("a1b2c3.execute-api.eu-central-1.amazonaws.com", "execute-api"),
        ("a1b2c3.lambda-url.eu-central-1.on.aws", "lambda"),
    ],
)
@pytest.mark.usefixtures("pictures")
def test_requests_to_aws_are_signed(
    front: Front, monkeypatch: pytest.MonkeyPatch, host: str, service: str, cloud_run: CloudRun
) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}
    far(front, monkeypatch, **keys)
    assert cloud_run.port
    assert score(f"http://{host}", "--json", "--map", "dark.png").exit_code == 0
    assert [asked.url for asked in front.asked] == [f"http://{host}/model", f"http://{host}/predict?map=true"]
    for asked in front.asked:
        assert asked.headers["x-amz-security-token"] == "session"
        assert asked.headers["authorization"] == signature(asked, host, service)


def signature(asked: Asked, host: str, service: str) -> str:
    """Signature Version 4 as AWS's guide has it, over what came."""
    when = asked.headers["x-amz-date"]
    names = [name for name in ("content-type", "host", "x-amz-date", "x-amz-security-token") if name in asked.headers]
    assert asked.headers["host"] == host
    lines = [f"{name}:{asked.headers[name]}\n" for name in names]
    path, _, query = asked.url.removeprefix(f"http://{host}").partition("?")
    digest = hashlib.sha256(asked.body).hexdigest()
    wanted = "\n".join([asked.method, path, query, "".join(lines), ";".join(names), digest])
    scope = f"{when[:8]}/eu-central-1/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", when, scope, hashlib.sha256(wanted.encode()).hexdigest()])
    key = b"AWS4secret"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signed = hmac.digest(key, text.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential=AKID/{scope}, SignedHeaders={';'.join(names)}, Signature={signed}"


@pytest.mark.usefixtures("pictures")
def test_a_token_goes_before_aws_credentials_and_without_either_nothing_is_signed(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://a1b2c3.execute-api.eu-central-1.amazonaws.com"
    far(front, monkeypatch)
    assert score(url, "dark.png").exit_code == 0
    assert not any("authorization" in asked.headers for asked in front.asked)
    front.first.append(Said(403, {}, b'{"message": "Forbidden"}'))
    assert "set AWS_PROFILE, or give a token with --token" in score(url, "dark.png").stdout
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert score(url, "--token", "jwt", "dark.png").exit_code == 0
    assert front.asked[-1].headers["authorization"] == "Bearer jwt"


GCLOUD = """#!/bin/sh
[ "$*" = "auth print-identity-token" ] && echo token-of-the-user
"""


class Metadata(Front):
    """The metadata server of Google's machines, as far as identity tokens need it."""

    def answer(self, asked: Asked, port: int | None) -> Said:
        """Say whose machine it is, and give a token for the audience."""
        assert port is None
        url, query = urlsplit(asked.url), parse_qs(urlsplit(asked.url).query)
        if url.path.endswith("/identity"):
            parts = [{"alg": "none"}, {"aud": query["audience"][0], "exp": time.time() + 3600}, {}]
            token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
            return Said(200, {"metadata-flavor": "Google", "content-type": "text/html"}, token.encode())
        account = {"email": "line-3@my-project.iam.gserviceaccount.com", "scopes": []}
        return Said(
            200, {"metadata-flavor": "Google", "content-type": "application/json"}, json.dumps(account).encode()
        )


def audience_of(asked: Asked) -> str:
    """Whom the token of a request is for."""
    payload = asked.headers["authorization"].removeprefix("Bearer ").split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload))["aud"])


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("http://api-abc-ew.a.run.app/", "https://api-abc-ew.a.run.app"),
        ("http://ew-my.cloudfunctions.net/api", "http://ew-my.cloudfunctions.net/api"),
    ],
)
def test_requests_to_google_carry_the_token_of_the_machines_account(
    front: Front, pictures: Path, url: str, audience: str
) -> None:
    with Metadata() as metadata:
        run = google(front, pictures, url, metadata.port)
    assert run.returncode in {0, 1}, run.stderr  # The function is not below /api here.
    assert {audience_of(asked) for asked in front.asked} == {audience}


def test_or_of_the_user_of_gcloud(front: Front, pictures: Path) -> None:
    (pictures / "gcloud").write_text(GCLOUD)
    (pictures / "gcloud").chmod(0o755)
    run = google(front, pictures, "http://api-abc-ew.a.run.app", free_port())
    assert run.returncode == 0, run.stderr
    assert {asked.headers.get("authorization") for asked in front.asked} == {"Bearer token-of-the-user"}


def google(front: Front, folder: Path, url: str, metadata_port: int) -> subprocess.CompletedProcess[str]:
    """In a process of its own: google-auth reads the environment when it is imported."""
    metadata = f"127.0.0.1:{metadata_port}"
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "steel_defect", "score", "--url", url, "dark.png"],
        cwd=folder,
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "GCE_METADATA_HOST": metadata,
            "GCE_METADATA_IP": metadata,
            "http_proxy": front.url,
            "no_proxy": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


# ---- Direct invocation ----


class Endpoint(Front):
    """Lambda's, for any function; the emulator knows one name only."""

    def answer(self, asked: Asked, port: int | None) -> Said:
        """Pass it on under that name."""
        return super().answer(replace(asked, url="/2015-03-31/functions/function/invocations"), port)


@pytest.fixture
def endpoint(aws_lambda: Lambda, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """Where this process takes Lambda to be."""
    with Endpoint(aws_lambda.port) as server:
        for name, value in {
            "AWS_ENDPOINT_URL_LAMBDA": server.url,
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "AKID",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize("url", ["lambda://api:live", "arn:aws:lambda:eu-central-1:111122223333:function:api"])
@pytest.mark.usefixtures("pictures", "endpoint")
def test_a_function_is_invoked_without_any_endpoint(probe_file: Path, url: str) -> None:
    # The emulator runs one invocation at a time.
    far = score(url, "--json", "--map", "--parallel", "1", ".")
    near = local(probe_file, "--json", "--map", ".")
    assert without_times(far) == without_times(near)
    assert far.exit_code == near.exit_code == 1


def test_a_problem_of_the_service_has_its_status_and_slug_here(front: Front, pictures: Path) -> None:
    deployment = connect(front.url)
    with pytest.raises(ServiceProblem) as caught:
        deployment.predict(pictures / "broken.jpg")
    error = caught.value
    assert (error.status, error.slug, error.title) == (422, "not-an-image", "Not a supported picture")
    assert error.problem() == error.content


def test_a_picture_is_bytes_or_a_path(front: Front, pictures: Path) -> None:
    deployment, path = connect(front.url), pictures / "dark.png"
    forms = (path.read_bytes(), bytearray(path.read_bytes()), path, str(path))
    assert len({deployment.predict(picture)["defect_prob"] for picture in forms}) == 1
    with pytest.raises(FileNotFoundError):
        deployment.predict("nothing.png")
    with pytest.raises(TypeError):
        deployment.predict(7)  # type: ignore[arg-type]  # that is what is tested


@pytest.mark.parametrize("way", ["http", "lambda"])
def test_many_pictures_go_in_few_requests(way: str, pictures: Path, request: pytest.FixtureRequest) -> None:
    front = request.getfixturevalue("front" if way == "http" else "endpoint")
    deployment = connect(front.url if way == "http" else "lambda://api", parallel=1)
    dark, bright = pictures / "dark.png", (pictures / "line 3" / "über.png").read_bytes()
    many: list[Path | bytes] = [dark, b"no picture", bright, b"", *[dark] * 30, bright]
    found = list(deployment.predict_many(many, coil="4711"))
    assert len(front.asked) == 3
    answers = [one for one in found if isinstance(one, dict)]
    assert [answer["decision"] for answer in answers] == ["pass", "reject", *["pass"] * 30, "reject"]
    assert {answer["coil"] for answer in answers} == {"4711"}
    problems = [(place, one.slug) for place, one in enumerate(found) if isinstance(one, ServiceProblem)]
    assert problems == [(1, "not-an-image"), (3, "empty-body")]
    with pytest.raises(FileNotFoundError):
        list(deployment.predict_many([dark, "nothing.png"]))


def test_of_many_those_are_asked_for_again_for_which_there_was_no_time(front: Front, pictures: Path) -> None:
    busy = {"file": "0", "problem": Busy("no time").problem()}
    front.first.append(Said(200, {"content-type": "application/json"}, json.dumps({"answers": [busy, busy]}).encode()))
    found = list(connect(front.url).predict_many([pictures / "dark.png"] * 2))
    assert [one["decision"] for one in found if isinstance(one, dict)] == ["pass"] * 2
    assert [urlsplit(asked.url).path for asked in front.asked] == ["/batch", "/predict", "/predict"]


def test_many_that_are_too_large_together_go_alone_and_what_fails_fails_for_each(front: Front, pictures: Path) -> None:
    large, json_ = Said(413, {}, b""), {"content-type": "application/json"}
    front.first.append(large)
    assert [type(one) for one in connect(front.url).predict_many([pictures / "dark.png"] * 2)] == [dict, dict]
    front.first.extend([Said(404, json_, b"{}")])
    found = list(connect(front.url).predict_many([*[pictures / "dark.png"] * 17]))
    assert [type(one) for one in found] == [*[NoService] * 16, dict]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (Said(403, {}, b'{"Message": "no access"}'), "no access; your AWS credentials need lambda:InvokeFunction"),
        (Said(404, {}, b'{"Message": "Function not found"}'), "Function not found"),
        (Said(413, {}, b'{"Message": "too large"}'), "steel-defect upload"),
        (Said(200, {"x-amz-function-error": "Unhandled"}, b'{"errorMessage": "timed out"}'), "failed: timed out"),
        (Said(200, {}, b'"hello"'), "is no steel-defect function"),
    ],
)
@pytest.mark.usefixtures("pictures")
def test_what_a_function_or_its_platform_refuses(endpoint: Endpoint, said: Said, complaint: str) -> None:
    endpoint.first.append(said)
    result = score("lambda://api", "dark.png")
    assert result.exit_code == 1
    assert complaint in result.stderr


@pytest.mark.usefixtures("pictures")
def test_no_credentials_at_all(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "Unable to locate credentials; set AWS_PROFILE" in score("lambda://api", "dark.png").stderr
    assert endpoint.asked == []


@pytest.mark.usefixtures("pictures", "endpoint")
@pytest.mark.parametrize("by", ["HTTP", "direct invocation"])
def test_coil_and_position_go_to_a_deployment_and_come_back(front: Front, by: str) -> None:
    url = front.url if by == "HTTP" else "lambda://api"
    row = json.loads(score(url, "dark.png", "--json", "--coil", "Ä 47&11", "--position-mm", "128000.5").stdout)
    assert (row["coil"], row["position_mm"]) == ("Ä 47&11", 128_000.5)
