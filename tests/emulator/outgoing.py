"""Senders and raw messages for the tests of sending."""

from __future__ import annotations

import itertools
from typing import Any

from emulator import Emulator, sending

from .conftest import REGION, Stacks

_numbers = itertools.count(1)


def sender(stacks: Stacks, *, tenant: bool = False, **configuration_set: Any) -> tuple[str, str, str]:
    """A verified domain, a configuration set and, when asked for, an SES tenant of both; returns their names."""
    number = next(_numbers)
    domain, name, tenant_name = f"from{number}.example", f"set{number}", f"tenant{number}"
    resources: dict[str, Any] = {
        "Identity": {"Type": "AWS::SES::EmailIdentity", "Properties": {"EmailIdentity": domain}},
        "Set": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": name, **configuration_set}},
    }
    if tenant:
        kinds = {"identity": "Identity", "configuration-set": "Set"}
        arns = [
            {"Fn::Sub": f"arn:aws:ses:${{AWS::Region}}:${{AWS::AccountId}}:{kind}/${{{resource}}}"}
            for kind, resource in kinds.items()
        ]
        associations = [{"ResourceArn": arn} for arn in arns]
        properties = {"TenantName": tenant_name, "ResourceAssociations": associations}
        resources["Tenant"] = {"Type": "AWS::SES::Tenant", "Properties": properties}
    stacks.deploy(resources)
    return domain, name, tenant_name


def message(author: str, *lines: str, to: str = "anna@example.net", body: str = "Hello\r\n") -> bytes:
    """A raw message with these further header lines."""
    header = [f"From: {author}", *([f"To: {to}"] if to else []), "Subject: Offer", *lines]
    return "\r\n".join([*header, "", body]).encode()


def send(client: Any, raw: bytes, **more: Any) -> str:
    """Send a raw message; returns SES's id."""
    return str(client.send_email(Content={"Raw": {"Data": raw}}, **more)["MessageId"])


def sent(emulator: Emulator, message_id: str) -> sending.Sent:
    """SES's transmitted message with this id."""
    (found,) = [one for one in emulator.sent(REGION) if one.message_id == message_id]
    return found
