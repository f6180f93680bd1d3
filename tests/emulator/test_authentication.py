"""Who the local AWS answers: those who sign with a key of it, from a program; no web page, and no other user of the machine."""

import hashlib
import json
import os
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.process import ACCOUNT, REGION, Engine
from emulator.status import client
from safe_io.loopback import LOOPBACK
from tests.emulator.requests import Answer, ask, make_bucket, signature, signed
from tests.support.machine import CHROMIUM, NEEDS_CHROMIUM

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("emulator")]

FUNCTIONS = "/2015-03-31/functions"
HEALTH = "/_ministack/health"
WEBHOOK = f"/_ministack/eks-auth/{ACCOUNT}/{REGION}/demo/emulator-webhook"
DOORS = [
    # What ministack answers to anybody, whatever its mode; and a service of each protocol.
    ("GET", "/"), ("GET", HEALTH), ("GET", "/health"), ("GET", "/_localstack/health"), ("GET", "/_ministack/ready"),
    ("POST", "/_ministack/reset"), ("POST", "/_ministack/config"), ("GET", "/_ministack/sqs/messages"),
    ("GET", f"/_ministack/lambda-code/{ACCOUNT}/{REGION}/x"), ("GET", f"/_ministack/lambda-layers/{ACCOUNT}/{REGION}/x/1/content"),
    ("POST", "/_ministack/eks-auth/scenario"), ("POST", WEBHOOK),
    ("PUT", "/_ministack/cfn-response/"), ("PUT", "/_ministack/cfn-response/00000000-0000-0000-0000-000000000000"),
    ("POST", "/_ministack/rds/iam-auth"), ("GET", "/latest/meta-data/iam/security-credentials/"), ("GET", "/v2/_catalog"),
    ("GET", "/.well-known/openid-configuration"), ("GET", "/_aws/execute-api/abc/prod/x"), ("GET", "/_aws/lambda-url/x/"),
    ("GET", "/restapis"), ("GET", "/clusters"), ("GET", "/bucket/key"), ("PUT", "/bucket"), ("POST", FUNCTIONS), ("GET", FUNCTIONS),
    ("POST", "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"), ("HEAD", "/bucket"), ("DELETE", "/bucket"),
]  # fmt: skip
STRANGE = [
    "", "Bearer ", "Bearer x", "Basic dGVzdDp0ZXN0", "AWS test:x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=",
    "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=, Signature=", "AWS4-ECDSA-P256-SHA256 Credential=test/20260101/eks/aws4_request",
    "AWS4-HMAC-SHA256 Credential=\xff/20260101/us-east-1/eks/aws4_request, SignedHeaders=host, Signature=\xff",
]  # fmt: skip
WEB_PAGES = [
    {"Origin": "http://127.0.0.1:8000"}, {"Origin": "null"}, {"Origin": "https://example.com"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "same-origin"},
    {"Host": "example.com"}, {"Host": "rebound.example.com:{port}"}, {"Host": "127.0.0.1"}, {"Host": "127.0.0.1.nip.io:{port}"},
    {"Host": "bucket.s3.localhost:{port}"}, {"Host": ""},
]  # fmt: skip


def refused(answer: Answer) -> bool:
    return answer.status == 403 and not cors(answer)


def cors(answer: Answer) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]


def test_nothing_is_answered_without_a_signature(engine: Engine) -> None:
    answers = {(method, path): ask(engine, method, path, b"{}") for method, path in DOORS}
    assert [door for door, answer in answers.items() if not refused(answer)] == []
    for strange in STRANGE:
        assert refused(ask(engine, "GET", HEALTH, b"", {"Authorization": strange})), strange
        assert refused(ask(engine, "POST", WEBHOOK, b"{}", {"Authorization": strange})), strange
    for query in (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "AWSAccessKeyId=test&Signature=x&Expires=99999999999",
        "X-Amz-Credential=test/x",
    ):
        assert refused(ask(engine, "GET", f"{HEALTH}?{query}")), query


def test_a_web_page_is_refused_though_it_could_sign(engine: Engine) -> None:
    for page in WEB_PAGES:
        headers = {name: value.format(port=engine.port) for name, value in page.items()}
        for method, path in (("GET", HEALTH), ("OPTIONS", FUNCTIONS), ("GET", "/"), ("PUT", "/bucket")):
            own = signature(engine, method, path)
            assert refused(ask(engine, method, path, b"", {**own, **headers})), (page, method, path)
    preflight = {"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "PUT"}
    assert refused(ask(engine, "OPTIONS", "/bucket/key", b"", preflight))
    assert refused(ask(engine, "OPTIONS", "/", b""))


def test_no_answer_lets_a_page_read_it(engine: Engine) -> None:
    s3, bucket = client(engine, "s3"), "readable"
    make_bucket(engine, bucket)
    everybody = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [everybody]})
    s3.put_object(Bucket=bucket, Key="key", Body=b"x")
    own = [
        ("s3", "GET", f"/{bucket}/key"), ("s3", "GET", f"/{bucket}"), ("eks", "GET", "/clusters"), ("apigateway", "GET", "/restapis"),
        ("lambda", "GET", FUNCTIONS), ("eks", "GET", HEALTH), ("eks", "GET", "/_localstack/health"), ("s3", "OPTIONS", f"/{bucket}/key"),
    ]  # fmt: skip
    for service, method, path in own:
        answer = signed(engine, method, path, service=service)
        assert cors(answer) == [], (service, method, path)
        assert answer.status == 200
    s3.delete_object(Bucket=bucket, Key="key")
    s3.delete_bucket(Bucket=bucket)


def test_no_key_is_known_beforehand(engine: Engine) -> None:
    identity, secret = engine.key
    for key in (
        ("test", "test"), ("test", secret), (ACCOUNT, "test"), (ACCOUNT, secret), ("000000000000", secret), ("", secret),
        (identity, "test"), (identity, secret[:-1] + "x"), (identity[:-1] + "x", secret),
    ):  # fmt: skip
        assert refused(ask(engine, "GET", HEALTH, b"", signature(engine, "GET", HEALTH, key=key))), key
    assert signed(engine, "GET", HEALTH).status == 200


def test_each_start_has_a_key_of_its_own(engine: Engine) -> None:
    identity, secret = engine.key
    assert len(identity) == 20
    assert len(secret) >= 40
    environment = Path(f"/proc/{engine.pid}/environ").read_text() + Path(f"/proc/{engine.pid}/cmdline").read_text()
    assert secret not in environment
    assert secret not in engine.log.read_text()
    assert secret not in json.dumps(engine.environment())


def test_what_was_signed_is_what_is_done(engine: Engine) -> None:
    path, body = "/tags/arn%3Aaws%3Aeks", b'{"tags": {"a": "b"}}'
    own = signature(engine, "POST", path, body)
    assert not refused(ask(engine, "POST", path, body, own))
    for method, other, sent in (
        ("DELETE", path, body), ("POST", f"{path}x", body), ("POST", f"{path}?x=y", body), ("POST", path, body[:-1] + b" }"),
    ):  # fmt: skip
        assert refused(ask(engine, method, other, sent, own)), (method, other)
    assert refused(ask(engine, "POST", path, body, {**own, "X-Amz-Date": "20200101T000000Z"}))
    # S3 says the body's hash in a header, which alone is signed.
    put = signature(engine, "PUT", "/bucket/key", b"mine", "s3")
    assert put["X-Amz-Content-SHA256"] == hashlib.sha256(b"mine").hexdigest()
    assert refused(ask(engine, "PUT", "/bucket/key", b"others", put))
    # Only S3 takes bodies that nobody has signed.
    unsigned = dict(signature(engine, "POST", path, body), **{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refused(ask(engine, "POST", path, body, unsigned))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Returns a function that lets the signer's clock go wrong."""

    def set_off(by: timedelta) -> None:
        for module in (botocore.auth, boto3.session):
            if hasattr(module, "get_current_datetime"):
                monkeypatch.setattr(module, "get_current_datetime", lambda remove_tzinfo=True: _now(by, remove_tzinfo))

    def _now(by: timedelta, remove_tzinfo: bool) -> datetime:
        moment = datetime.now(UTC) + by
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    return set_off


def test_a_signature_is_good_for_some_minutes(engine: Engine, clock: Callable[[timedelta], None]) -> None:
    for minutes, good in ((-16, False), (-4, True), (4, True), (16, False)):
        clock(timedelta(minutes=minutes))
        answer = ask(engine, "GET", "/clusters", b"", signature(engine, "GET", "/clusters"))
        assert refused(answer) is not good, minutes


def open_url(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_presigned_urls(engine: Engine, clock: Callable[[timedelta], None]) -> None:
    s3 = client(engine, "s3")
    make_bucket(engine, "presigned")
    s3.put_object(Bucket="presigned", Key="a b+c/é", Body=b"x")

    def url(**options: Any) -> str:
        path_style = boto3.session.Session(*engine.key, region_name=REGION).client(
            "s3", endpoint_url=engine.url, config=Config(signature_version="s3v4")
        )
        made = path_style.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "a b+c/é"}, **options)
        return str(made)

    good = url()
    assert open_url(good) == 200
    assert open_url(good.replace("presigned/", "others/")) == 403
    assert open_url(good.replace("X-Amz-Expires=3600", "X-Amz-Expires=36000")) == 403
    assert open_url(good.replace("AWS4-HMAC-SHA256", "none")) == 403
    clock(timedelta(minutes=-2))
    assert open_url(url()) == 200
    assert open_url(url(ExpiresIn=60)) == 403
    clock(timedelta(minutes=20))
    assert open_url(url()) == 403
    clock(timedelta())
    s3.delete_object(Bucket="presigned", Key="a b+c/é")
    s3.delete_bucket(Bucket="presigned")


def test_keys_of_the_account_count_as_long_as_they_are_active(engine: Engine) -> None:
    iam = client(engine, "iam")
    iam.create_user(UserName="somebody")
    made = iam.create_access_key(UserName="somebody")["AccessKey"]
    key = (made["AccessKeyId"], made["SecretAccessKey"])

    def status() -> int:
        return ask(engine, "GET", "/clusters", b"", signature(engine, "GET", "/clusters", key=key)).status

    assert status() == 200
    iam.update_access_key(UserName="somebody", AccessKeyId=key[0], Status="Inactive")
    assert status() == 403
    iam.delete_access_key(UserName="somebody", AccessKeyId=key[0])
    assert status() == 403
    iam.delete_user(UserName="somebody")


def test_a_session_needs_its_token(engine: Engine) -> None:
    made = client(engine, "sts").get_session_token()["Credentials"]
    identity, secret, token = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    for shown, good in ((token, True), (token[:-1] + "x", False), (None, False)):
        eks = boto3.session.Session(identity, secret, shown, REGION).client("eks", endpoint_url=engine.url)
        if good:
            assert "clusters" in eks.list_clusters()
        else:
            with pytest.raises(ClientError, match=r"InvalidToken|invalid"):
                eks.list_clusters()


def test_what_it_writes_is_its_owners_alone(engine: Engine) -> None:
    assert stat.S_IMODE(engine.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((engine.home / "credentials").stat().st_mode) == 0o600
    make_bucket(engine, "permissions")
    signed(engine, "PUT", "/permissions/key", b"x", service="s3")
    written = [engine.log, *(engine.home / "tmp").rglob("*"), *(engine.home / "s3").rglob("*")]
    assert [str(path) for path in written if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []
    signed(engine, "DELETE", "/permissions/key", service="s3")
    signed(engine, "DELETE", "/permissions", service="s3")


def as_another_user(do: Callable[[], str]) -> str:
    """What ``do`` returns in a process of user `nobody`."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(write, do().encode())
        except BaseException as error:
            os.write(write, repr(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        text = said.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_gets_nothing(engine: Engine) -> None:
    def attempt() -> str:
        tried = {
            "credentials": lambda: (engine.home / "credentials").read_text(),
            "log": lambda: engine.log.read_text(),
            "folder": lambda: str(list(engine.home.iterdir())),
            "environment": lambda: Path(f"/proc/{engine.pid}/environ").read_text(),
            "write": lambda: str((engine.home / "x").write_text("x")),
            "kill": lambda: str(os.kill(engine.pid, 0)),
        }
        got = {}
        for name, do in tried.items():
            try:
                got[name] = do()
            except PermissionError:
                got[name] = "refused"
        for method, path in (("POST", FUNCTIONS), ("GET", HEALTH), ("GET", "/clusters")):
            got[path] = str(ask(engine, method, path, b"{}").status)
        return json.dumps(got)

    got = json.loads(as_another_user(attempt))
    assert set(got.values()) == {"refused", "403"}, got
    assert got["credentials"] == got["folder"] == got["environment"] == "refused"


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of a Chromium, served by another port of loopback."""
    import http.server
    import threading

    from playwright.sync_api import sync_playwright

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>a page of a stranger</title>")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_context().new_page()
        opened.answers = []
        opened.on("response", lambda answer: opened.answers.append((answer.url, answer.status)))
        opened.goto(f"http://{LOOPBACK}:{server.server_port}/")
        yield opened
        browser.close()
    server.shutdown()


ATTEMPTS = """async (engine) => {
    const said = [];
    const attempt = async (name, path, options) => {
        try { const answer = await fetch(engine + path, options); said.push(`${name}: ${answer.type} ${answer.status}`); }
        catch (error) { said.push(`${name}: ${error.name}`); }
    };
    const functions = "/2015-03-31/functions";
    const body = JSON.stringify({FunctionName: "evil", Runtime: "python3.12", Role: "arn:aws:iam::123456789012:role/x",
                                 Handler: "index.handler", Code: {ZipFile: ""}});
    for (const mode of ["cors", "no-cors"]) {
        await attempt(`create function, ${mode}`, functions, {method: "POST", mode, body});
        await attempt(`read, ${mode}`, "/_ministack/health", {mode});
        await attempt(`reset, ${mode}`, "/_ministack/reset", {method: "POST", mode});
    }
    await attempt("put", "/evil-bucket", {method: "PUT"});
    const Authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/eks/aws4_request, SignedHeaders=host, Signature=x";
    await attempt("signed", "/clusters", {credentials: "include", headers: {Authorization}});
    navigator.sendBeacon(`${engine}/?Action=CreateQueue&QueueName=evil`, body);
    await new Promise((done) => {
        const image = new Image();
        image.onload = image.onerror = done;
        image.src = `${engine}/_ministack/health`;
    });
    await new Promise((done) => {
        const socket = new WebSocket(engine.replace("http", "ws"));
        socket.onopen = () => said.push("socket: open");
        socket.onclose = done;
    });
    await new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.name = "f";
        document.body.append(frame);
        const form = document.createElement("form");
        Object.assign(form, {target: "f", method: "POST", enctype: "text/plain", action: `${engine}/?Action=CreateQueue&QueueName=evil`});
        document.body.append(form);
        frame.onload = done;
        form.submit();
        setTimeout(done, 3000);
    });
    return said;
}"""


@NEEDS_CHROMIUM
def test_a_web_page_gets_nothing_done(engine: Engine, page: Any) -> None:
    def there() -> list[Any]:
        return [
            client(engine, "lambda").list_functions()["Functions"], client(engine, "sqs").list_queues().get("QueueUrls"),
            [one["Name"] for one in client(engine, "s3").list_buckets()["Buckets"]], client(engine, "eks").list_clusters()["clusters"],
        ]  # fmt: skip

    before = there()
    for host in (LOOPBACK, "localhost"):
        said = page.evaluate(ATTEMPTS, f"http://{host}:{engine.port}")
        assert [one for one in said if not one.endswith(("TypeError", "opaque 0"))] == [], "nothing is readable"
    for host in (LOOPBACK, "localhost"):
        answer = page.goto(f"http://{host}:{engine.port}/_ministack/health")
        assert answer.status == 403
    asked = [status for url, status in page.answers if f":{engine.port}" in url]
    assert len(asked) >= 10
    assert set(asked) == {403}
    assert there() == before
