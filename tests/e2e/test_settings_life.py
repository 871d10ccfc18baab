"""A customer's domain by the settings API: claimed, proven, deployed, delegated, receiving, given up; the tests run in their order.

SES, Route 53 and CloudFormation are the emulator's; the name servers are Knot DNS and BIND.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

import pytest

from constructs_lib.naming import tenant_stack_name
from emulator.definitions import publish
from mailroom.store import MessageReader, Objects, Table
from tests.e2e.conftest import REGION, Platform
from tests.e2e.test_dns_setup import zone_of
from tests.mailroom.clamav import EICAR, EICAR_DEFINITIONS
from tests.nameservers import Internet

DOMAIN = "mail.acme.example"
SALES = f"sales@{DOMAIN}"
V1, V2 = "/v1/email-settings", "/v2/email-settings/email-addresses"


@dataclass
class Customer:
    """Asks the API as a user of one organisation."""

    url: str
    token: str = field(repr=False)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's document."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}{path}", content, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read() or b"null")

    def domain(self) -> Any:
        """The domain as it is now."""
        return next(iter(self("GET", f"{V1}?type=email_domain")), None)


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Name servers, with an empty zone of the customer."""
    with Internet(tmp_path_factory.mktemp("internet")) as running:
        running.serve("acme.example", "", running.customer)
        yield running


@pytest.fixture(scope="module")
def customer(platform: Platform, internet: Internet) -> Iterator[Customer]:
    """A user of acme, where a cell is deployed, and one tenant of the platform's own."""
    config = platform.write_config([{"id": "globex", "subdomain": "post.globex.example", "addresses": ["info"]}])
    platform.json("deploy", "--all", "--yes", "--config", str(config))
    command = ["api", "--local", "--deploy", "--config", str(config), "--port", "0", "--json"]
    dns = ["--resolver", f"{internet.resolver.address}#{internet.resolver.port}", "--dns-port", str(internet.port)]
    with platform.start(*command, *dns, "--dns-network", "127.53.0.0/16") as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(f"{url}/local/token?organization=acme", timeout=10) as response:
            token = response.read().decode()
        yield Customer(url, token)
        process.terminate()


def until(done: Callable[[], Any], what: str, seconds: float = 90, every: float = 0.2) -> Any:
    """The value, once there is one."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, what
        time.sleep(every)
    return found


def outputs(platform: Platform, tenant: str) -> dict[str, str]:
    """Of the tenant's stack."""
    (stack,) = platform.client("cloudformation").describe_stacks(StackName=tenant_stack_name(tenant))["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def tenant_of(platform: Platform) -> str:
    """The id of the domain's tenant, by the stack that was made for it."""
    stacks = platform.client("cloudformation").describe_stacks()["Stacks"]
    (name,) = [one["StackName"] for one in stacks if one["StackName"].startswith("Tenant-acme-")]
    return str(name).removeprefix("Tenant-")


def test_a_claim_makes_nothing(platform: Platform, customer: Customer, internet: Internet) -> None:
    """An address is added, and waits; once the token stands in the customer's zone, the domain is proven."""
    claim = customer("POST", f"{V1}/domain", {"domain": DOMAIN})
    customer("POST", V2, {"address": SALES, "name": "Acme Sales"})
    time.sleep(2)
    stacks = platform.client("cloudformation").describe_stacks()["Stacks"]
    assert not [one for one in stacks if one["StackName"].startswith("Tenant-acme")]
    record = claim["records"][0]
    internet.serve("acme.example", f'{record["name"]}. TXT "{record["value"]}"', internet.customer)
    internet.flush()
    assert customer("POST", f"{V1}/domain:verify", {"domain": DOMAIN})["status"] == "proven"


def test_name_servers_come_back(platform: Platform, customer: Customer) -> None:
    """The stack is made, with the revision in its outputs, and the domain waits for its delegation."""
    found = until(lambda: (one := customer.domain())["name_servers"] and one, "no name servers")
    assert (found["status"], found["deployment"]["state"]) == ("awaiting_dns", "done")
    made = outputs(platform, tenant_of(platform))
    assert made["NameServers"].split(", ") == found["name_servers"]
    assert made["SettingsRevision"] == str(found["deployment"]["deployed"])


def test_delegated_domain_is_active(platform: Platform, customer: Customer, internet: Internet) -> None:
    """Delegated to those four, with what stands in the zone that was made: the token among it."""
    names = customer.domain()["name_servers"]
    for name, server in zip(names, internet.ours, strict=True):
        host, _, zone = name.partition(".")
        internet.serve(zone, f"{host} A {server.address}", [internet.root])
    internet.serve("acme.example", "", internet.customer)
    internet.serve(DOMAIN, zone_of(platform, DOMAIN), internet.ours, names)
    internet.flush()

    def verified() -> Any:
        found = customer("POST", f"{V1}/domain:verify", {"domain": DOMAIN})
        return found if found["status"] == "active" else None

    # A domain is looked at twice a minute at most.
    found = until(verified, "not active", every=10)
    assert {one["status"] for one in found["records"] if one["purpose"] in {"dkim", "inbound", "spf", "dmarc"}} == {
        "ok"
    }


def test_mail_arrives_and_names_hold_without_a_deployment(platform: Platform, customer: Customer) -> None:
    """At the address that was added, clean and scanned; its name is what the customer sets, at once."""
    tenant = tenant_of(platform)
    made = outputs(platform, tenant)
    (cell,) = platform.client("cloudformation").describe_stacks(StackName="Cell-eu")["Stacks"]
    definitions = {one["OutputKey"]: one["OutputValue"] for one in cell["Outputs"]}["DefinitionsBucketName"]
    publish(platform.client("s3"), definitions, EICAR_DEFINITIONS)
    reader = MessageReader(
        table=Table(client=platform.client("dynamodb"), name=made["MessagesTableName"]),
        objects=Objects(client=platform.client("s3"), bucket=made["BucketName"]),
    )
    mail = f"From: anna@example.net\r\nTo: {SALES}\r\nSubject: Hello\r\n\r\nHello.\r\n".encode()
    platform.emulator.receive(mail, [SALES], REGION, sender="anna@example.net")
    (thread,) = until(lambda: reader.threads().items, "no message")
    assert thread.subject == "Hello"
    before = made["SettingsRevision"]
    (address,) = customer("GET", V2)
    customer("PUT", f"{V2}/{address['id']}", {"name": "New name"})

    def named() -> Any:
        book = reader.address_book()
        return book is not None and [one.name for one in book.addresses if one.address == SALES] == ["New name"]

    until(named, "the name did not come")
    assert outputs(platform, tenant)["SettingsRevision"] == before


def test_infected_mail_arrives_without_what_infects(platform: Platform) -> None:
    """The test file that every scanner knows is taken out of a mail to the customer's address; the mail itself arrives."""
    bucket, s3 = outputs(platform, tenant_of(platform))["BucketName"], platform.client("s3")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "anna@example.net", SALES, "Invoice"
    mail.set_content("See attachment.")
    mail.add_attachment(EICAR, maintype="application", subtype="octet-stream", filename="invoice.dat")
    (stored,) = platform.emulator.receive(mail.as_bytes(), [SALES], REGION, sender="anna@example.net").objects
    name = stored.key.removeprefix("raw/")

    def record() -> Any:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"verdicts/{name}/").get("Contents", [])
        return json.loads(s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read()) if found else None

    assert until(record, "no verdict")["verdict"] == "infected"

    def delivered() -> Any:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"clean/{name}").get("Contents", [])
        return s3.get_object(Bucket=bucket, Key=found[0]["Key"])["Body"].read() if found else None

    arrived = message_from_bytes(until(delivered, "not delivered"))
    parts = [part.get_payload(decode=True) or b"" for part in arrived.walk() if not part.is_multipart()]
    assert any(b"See attachment." in part for part in parts)
    assert not any(EICAR in part for part in parts)


def test_deleted_domain_leaves_nothing_dangling(platform: Platform, customer: Customer, internet: Internet) -> None:
    """It stays until nobody is led to its zone; then stack and zone go."""
    tenant = tenant_of(platform)
    customer("DELETE", f"{V1}/domain", {"domain": DOMAIN})
    until(lambda: "still delegated" in customer.domain()["checks"][0]["text"], "not told that it is led to")
    assert outputs(platform, tenant)
    internet.delegate(DOMAIN, [])
    internet.flush()
    until(lambda: customer.domain() is None, "is still there")
    zones = platform.client("route53").list_hosted_zones()["HostedZones"]
    assert f"{DOMAIN}." not in [zone["Name"] for zone in zones]
