"""The API over HTTP: operations, who may ask, and what each error says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from email_stack.settings import openapi
from email_stack.settings.local import AUDIENCE, LocalIssuer, LocalServer
from mailroom.settings.lifetimes import Limits, Rate
from tests.nameservers import Internet
from tests.settings.conftest import Client, MakeServer, new_client

V1, V2 = "/v1/email-settings", "/v2/email-settings/email-addresses"
DOMAIN = "mail.acme.example"
KINDS = [
    "none",
    "text",
    "expired",
    "not yet",
    "without end",
    "without user",
    "other audience",
    "other issuer",
    "other key",
    "unknown key",
    "other issuer's",
    "shared secret",
    "unsigned",
    "without signature",
    "changed",
    "long",
]
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def zone(internet: Internet) -> Iterator[str]:
    """A customer's zone, in which nothing is set."""
    internet.serve("acme.example", "", internet.customer)
    yield "acme.example"
    internet.remove("acme.example")


def proven(client: Client, internet: Internet, domain: str) -> dict[str, Any]:
    """A domain that was added and verified."""
    added = client("POST", f"{V1}/domain", {"domain": domain}).json
    record = added["records"][0]
    zone = domain.partition(".")[2]
    internet.serve(zone, f'{internet.text(zone)}\n{record["name"]}. TXT "{record["value"]}"', internet.customer)
    internet.flush()
    verified: dict[str, Any] = client("POST", f"{V1}/domain:verify", {"domain": domain}).json
    return verified


def test_a_domain_is_claimed_verified_and_given_up(client: Client, internet: Internet, zone: str) -> None:
    """What to set comes back at once; once it is set the domain is proven, and a revision is wanted; then it is gone."""
    domain = f"life.{zone}"
    added = client("POST", f"{V1}/domain", {"domain": f"LIFE.{zone}."})
    assert added.status == 200
    assert (added.json["value"], added.json["status"], added.json["org_id"]) == (domain, "claimed", client.organization)
    assert added.json["records"][0] | {"value": ""} == {
        "type": "TXT",
        "name": f"_email-claim.{domain}",
        "value": "",
        "purpose": "ownership",
        "status": "unknown",
        "yours": True,
    }
    early = client("POST", f"{V1}/domain/dns-records:verify", {"domain": domain}).json
    assert (early["status"], early["records"][0]["status"]) == ("claimed", "missing")
    other = new_client(client.server)
    assert client("GET", f"{V1}/domain").json == [domain]
    verified = proven(other, internet, domain)
    assert (verified["status"], verified["ownership"]["status"]) == ("proven", "proven")
    assert verified["deployment"] == {"state": "waiting", "wanted": 1, "deployed": 0}
    assert verified["checks"][0]["text"] == "the token stands at 2 of 2 addresses of name servers"
    assert "expires_at" not in verified["ownership"]
    assert other("DELETE", f"{V1}/domain", {"domain": domain}).status == 204
    assert other("GET", f"{V1}/domain").json == []
    resting = new_client(client.server)("POST", f"{V1}/domain", {"domain": domain})
    assert resting.status == 409
    assert other.organization not in resting.text


def test_a_check_is_not_repeated_within_30_seconds(client: Client, zone: str) -> None:
    """The second answer is the first one's."""
    client("POST", f"{V1}/domain", {"domain": f"twice.{zone}"})
    answers = [
        client("POST", f"{V1}/domain/{what}:verify", {"domain": f"twice.{zone}"})
        for what in ("name-servers", "dns-records")
    ]
    assert answers[0].json["checks"][0]["at"] == answers[1].json["checks"][0]["at"]


def test_addresses_are_added_changed_and_deleted(client: Client, internet: Internet, zone: str) -> None:
    """With their whole life, in the fields of the second version."""
    domain = proven(client, internet, f"addresses.{zone}")["value"]
    added = client("POST", V2, {"address": f"Sales@{domain}", "name": "Sales", "user_ids": ["u1"]})
    assert added.status == 201
    assert (added.json["address"], added.json["is_active"], added.json["is_primary"]) == (
        f"sales@{domain}",
        True,
        False,
    )
    path = f"{V2}/{added.json['id']}"
    assert client("GET", path).json == added.json
    assert [one["id"] for one in client("GET", V2).json] == [added.json["id"]]
    changed = client("PUT", path, {"name": "Team", "is_active": False}, if_match=added.headers["etag"])
    assert (changed.status, changed.json["name"], changed.json["is_active"]) == (200, "Team", False)
    assert client("PUT", path, {"name": "Late"}, if_match=added.headers["etag"]).status == 412
    assert client("PUT", path, {"is_active": True}).status == 200
    assert client("POST", f"{V2}/primary", {"address": f"sales@{domain}"}).json["is_primary"]
    assert client("DELETE", path).status == 204
    assert client("GET", path).status == 404


def test_settings_of_every_type_are_added_read_changed_and_deleted(client: Client, zone: str) -> None:
    """In the fields of the first version."""
    client("POST", f"{V1}/domain", {"domain": f"types.{zone}"})
    bodies = [
        ({"type": "signature", "name": "Mine", "value": "Regards", "html": "<p>Regards</p>"}, {"name": "Ours"}),
        ({"type": "email_domain", "value": f"more.{zone}"}, {}),
        ({"type": "email_address", "value": f"help@types.{zone}"}, {"name": "Help"}),
        ({"type": "whitelist_email_address", "value": "Anna@Example.net"}, {}),
        ({"type": "restrict_duplicates_within", "value": "5m"}, {"value": "1d"}),
    ]
    for body, change in bodies:
        added = client("POST", V1, body)
        assert added.status == 200, added.text
        kind, found = body["type"], added.json["id"]
        one = client("GET", f"{V1}?type={kind}&id={found}").json
        assert one == added.json
        assert one in client("GET", f"{V1}?type={kind}").json
        changed = client("POST", f"{V1}/{found}", {"type": kind, **change})
        assert changed.status == 200, changed.text
        assert {**changed.json, **change} == changed.json
        assert client("DELETE", V1, {"type": kind, "id": found}).json["id"] == found
        assert client("GET", f"{V1}?type={kind}&id={found}").status == 404


def test_html_of_a_signature_is_made_safe(client: Client) -> None:
    """Scripts, handlers, images and links into the application are gone before it is stored."""
    html = (
        '<p onclick="x()">Hi<script>x()</script><img src="https://t.example/p.gif"><a href="javascript:x()">a</a></p>'
    )
    added = client("POST", V1, {"type": "signature", "html": html}).json
    assert added["html"] == '<p>Hi<img><a rel="noopener noreferrer nofollow">a</a></p>'


def test_what_another_organization_has_is_not_found(client: Client, zone: str) -> None:
    """Each id and each name of one organisation, in each operation, is 404 for the token of another, and stays as it is."""
    domain = f"whose.{zone}"
    added = client("POST", f"{V1}/domain", {"domain": domain}).json
    address = client("POST", V2, {"address": f"a@{domain}"}).json["id"]
    ids = {"email_domain": added["id"], "email_address": address}
    for kind, value in (
        ("signature", "x"),
        ("whitelist_email_address", "a@example.net"),
        ("restrict_duplicates_within", "1s"),
    ):
        ids[kind] = client("POST", V1, {"type": kind, "value": value}).json["id"]
    other = new_client(client.server)
    asked = [
        ("DELETE", f"{V1}/domain", {"domain": domain}),
        *(
            ("POST", f"{V1}/{path}", {"domain": domain})
            for path in ("domain:verify", "domain/name-servers:verify", "domain/dns-records:verify")
        ),
        *(("GET", f"{V1}?type={kind}&id={one}", None) for kind, one in ids.items()),
        *(("POST", f"{V1}/{one}", {"type": kind, "name": "x"}) for kind, one in ids.items()),
        *(("DELETE", V1, {"type": kind, "id": one}) for kind, one in ids.items()),
        ("GET", f"{V2}/{address}", None),
        ("PUT", f"{V2}/{address}", {"name": "x"}),
        ("DELETE", f"{V2}/{address}", None),
        ("POST", f"{V2}/primary", {"address": f"a@{domain}"}),
    ]
    before = [client("GET", f"{V1}?type={kind}").text for kind in ids]
    for method, path, body in asked:
        answer = other(method, path, body)
        assert (method, path, answer.status) == (method, path, 404)
        assert client.organization not in answer.text
    assert other("GET", f"{V1}/domain").json == other("GET", V2).json == []
    assert [client("GET", f"{V1}?type={kind}").text for kind in ids] == before


def test_errors_are_the_clients_error_response_with_every_fault(client: Client) -> None:
    """Problem details with `error` and `status`; each fault by its field; nothing that was sent but what the rule repeats."""
    answer = client("POST", V2, {"address": "a+b@mail.acme.example", "name": "x" * 200, "user_ids": "me"})
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json["status"] == 400
    assert answer.json["error"] == answer.json["detail"]
    assert {one["field"] for one in answer.json["errors"]} == {"address", "name", "user_ids"}
    both = client("POST", V1, {"type": "signature", "name": "a\nb", "value": "a\0b"})
    assert {one["field"] for one in both.json["errors"]} == {"name", "value"}


WRONG_BODIES = [
    "{",
    "[]",
    "null",
    "",
    '{"domain": 5}',
    '{"domain": ""}',
    '{"domain": "acme.example"}',
    '{"domain": "{{resolve:ssm:x}}.acme.example"}',
    '{"domain": "a.co.uk"}',
    '{"domain": "127.0.0.1"}',
    '{"domain": "mail.amazonses.com"}',
    "[" * 100_000,
]


@pytest.mark.parametrize(("raw", "status"), [*((raw, 400) for raw in WRONG_BODIES), ("x" * 2_000_000, 413)])
def test_bodies_that_are_wrong_are_refused(client: Client, raw: str, status: int) -> None:
    """Whatever is wrong with them, with the client's ErrorResponse."""
    answer = client("POST", f"{V1}/domain", raw=raw)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert isinstance(answer.json["error"], str)


@pytest.mark.parametrize("name", ["{{resolve:ssm:/platform/secret}}", "${Token[AWS.AccountId.0]} x"])
def test_names_that_a_template_would_resolve_are_refused(client: Client, zone: str, name: str) -> None:
    """Neither CloudFormation's dynamic references nor tokens of the CDK pass."""
    assert client("POST", V2, {"address": f"a@types.{zone}", "name": name}).status == 400


@pytest.mark.parametrize("id", ["1", "domain:verify", "a%2F1", "x" * 200, NOBODY, "%00"])
def test_ids_of_nobody_are_not_found(client: Client, id: str) -> None:
    """Whatever they look like."""
    assert client("GET", f"{V2}/{id}").status == 404
    assert client("POST", f"{V1}/{id}" if ":" not in id else f"{V1}/x", {"type": "signature"}).status == 404


def test_paths_of_nothing_are_not_found(client: Client) -> None:
    """With the same error."""
    for method, path in (("GET", "/"), ("GET", "/v3/x"), ("PATCH", V2), ("POST", f"{V2}/{NOBODY}/x")):
        answer = client(method, path, {} if method != "GET" else None)
        assert (answer.status, answer.json["status"]) == (404, 404)


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "x"],
)
def test_another_content_type_is_refused(client: Client, kind: str) -> None:
    """Only JSON is read, whatever the body is called else."""
    answer = client("POST", f"{V1}/domain", {"domain": DOMAIN}, content_type=kind)
    assert (answer.status, answer.json["status"]) == (415, 415)


@pytest.mark.parametrize("kind", [None, "application/json;charset=utf-8", "Application/JSON"])
def test_json_is_read_however_it_is_called(client: Client, kind: str | None) -> None:
    """With its charset, in any case, or without a name."""
    assert client("POST", V1, {"type": "signature", "value": "x"}, content_type=kind).status == 200


def forged(server: LocalServer, **changes: Any) -> str:
    """A token as the issuer makes it, but for what is changed, by the issuer's key unless told otherwise."""
    key, kid = changes.pop("key", server.issuer._key), changes.pop("kid", server.issuer._id)
    algorithm = changes.pop("algorithm", "ES256")
    now = int(time.time())
    claims = {"iss": server.url, "aud": AUDIENCE, "sub": "u", "exp": now + 60, "org_id": "acme"} | changes
    left = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(left, key, algorithm=algorithm, headers={"kid": kid})


def _by_secret(head: str, body: str, secret: str) -> str:
    """The token as HMAC signs it with what everybody knows."""
    changed = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "HS256"}
    signed = f"{base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip('=')}.{body}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def bad_tokens(server: LocalServer) -> dict[str, str]:
    """Tokens that are none."""
    now = int(time.time())
    public = json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(server.issuer._key.public_key(), as_dict=True))
    valid = server.issuer.token("acme")
    head, body, signature = valid.split(".")
    return {
        "none": "",
        "text": "abc",
        "expired": forged(server, exp=now - 3600),
        "not yet": forged(server, nbf=now + 3600),
        "without end": forged(server, exp=None),
        "without user": forged(server, sub=None),
        "other audience": forged(server, aud="other"),
        "other issuer": forged(server, iss="https://issuer.example"),
        "other key": forged(server, key=ec.generate_private_key(ec.SECP256R1())),
        "unknown key": forged(server, kid="nobody"),
        "other issuer's": LocalIssuer(server.url).token("acme"),
        "shared secret": _by_secret(head, body, public),
        "unsigned": jwt.encode({"sub": "u", "exp": now + 60}, "", algorithm="none", headers={"kid": server.issuer._id}),
        "without signature": f"{head}.{body}.",
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "long": "a" * 20_000,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_that_are_none_get_401(client: Client, kind: str) -> None:
    """Whatever is wrong with them; the answer says how to ask, and not what the token holds."""
    answer = client("GET", f"{V1}/domain", authorization=f"Bearer {bad_tokens(client.server)[kind]}")
    assert (answer.status, answer.json["status"], answer.headers["www-authenticate"]) == (401, 401, "Bearer")


def test_without_a_token_nothing_is_answered(client: Client) -> None:
    """Nor with another scheme; the OpenAPI document is for everybody."""
    assert client("GET", f"{V1}/domain", authorization=None).status == 401
    assert client("GET", f"{V1}/domain", authorization="Basic YTpi").status == 401
    assert client("POST", f"{V1}/domain", raw="{", authorization=None).status == 401
    assert client("GET", "/openapi.json", authorization=None).json["openapi"].startswith("3.1")


def test_the_organization_comes_from_the_token(server: LocalServer) -> None:
    """The header chooses among those that the token names; any other is 403, and the internal header does nothing."""
    token = server.issuer.token("first", others=("second",))
    client = Client(server, "first", token)
    client("POST", V1, {"type": "signature", "value": "of the first"})
    in_second = client("POST", V1, {"type": "signature", "value": "x"}, x_epilot_org_id="second")
    assert in_second.json["org_id"] == "second"
    assert client("GET", f"{V1}?type=signature", x_epilot_org_id="third").status == 403
    assert client("GET", f"{V1}?type=signature", x_ivy_org_id="second").json[0]["org_id"] == "first"


@pytest.mark.parametrize("organization", [None, "", 5.5, ["acme"], "a#b", "a\nb", "a" * 65, {"a": 1}])
def test_a_token_without_an_organization_gets_403(server: LocalServer, organization: Any) -> None:
    """Nor with one that no key could hold."""
    token = forged(server, org_id=organization)
    assert Client(server, "", token)("GET", f"{V1}/domain").status == 403


def test_who_asks_too_often_waits(make_server: MakeServer) -> None:
    """429 with Retry-After, and reading goes on; other organisations are not touched."""
    server = make_server(Limits(writes=Rate(name="writes", most=2, seconds=3600)))
    client = new_client(server)
    body = {"type": "signature", "value": "x"}
    assert [client("POST", V1, body).status for _ in range(3)] == [200, 200, 429]
    refused = client("POST", V1, body)
    assert (refused.json["status"], int(refused.headers["retry-after"]) > 0) == (429, True)
    assert client("GET", f"{V1}?type=signature").status == 200
    assert new_client(server)("POST", V1, body).status == 200


def test_logs_hold_nothing_of_a_request(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Neither addresses, names nor tokens; the correlation id is echoed and logged."""
    with caplog.at_level("INFO"):
        answer = client(
            "POST", V2, {"address": "secret@nobody.example.net", "name": "Secret"}, x_correlation_id="abc-1"
        )
    assert answer.headers["x-correlation-id"] == "abc-1"
    ours = [record.__dict__ for record in caplog.records if record.name.startswith("email_stack.settings")]
    assert ours[-1]["correlation"] == "abc-1"
    assert "ecret" not in str(ours)


def test_the_published_document_is_the_routes() -> None:
    """The file that is committed is what the program makes; `python -m email_stack.settings.openapi` writes it."""
    assert openapi.published() == openapi.document()


def test_a_page_elsewhere_gets_no_token(client: Client) -> None:
    """A host name that leads to loopback is refused."""
    refused = client("GET", "/local/token?organization=acme", host="rebound.example")
    assert (refused.status, refused.json["status"], "error" in refused.json) == (421, 421, True)
    assert client("POST", "/local/token?organization=acme").status == 200


def test_a_body_of_unknown_length_is_refused(client: Client) -> None:
    """With a problem, as everything else."""
    refused = client("POST", "/v1/email-settings/domain", raw="{}", transfer_encoding="chunked")
    assert (refused.status, refused.json["status"], "Content-Length" in refused.json["error"]) == (411, 411, True)
    assert refused.headers["content-type"] == "application/problem+json"
