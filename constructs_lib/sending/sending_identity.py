"""A tenant's SES identity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct

from constructs_lib import rules
from constructs_lib.checks import FLAG, Rule, check_props, placed
from constructs_lib.environments import claim
from constructs_lib.faults import shown
from constructs_lib.intrinsics import arn
from constructs_lib.limits import MOST_SENDER_CHARACTERS, sender_characters
from constructs_lib.records import DkimToken
from constructs_lib.sections import ALL_EVENTS, Tracking

__all__ = ["SendingIdentity"]

_RULES: Final[dict[str, Rule]] = {
    "domain": rules.DOMAIN,
    "tenant_name": rules.IDENTIFIER,
    "mail_from": rules.LABEL,
    "live": FLAG,
    "tracking": rules.TRACKING,
}


class SendingIdentity(Construct):
    """An SES domain identity with DKIM, a MAIL FROM domain of its own and TLS on every delivery.

    Creates 1 identity (2048-bit Easy DKIM), 1 configuration set (TLS required, reputation metrics on) and 1 SES tenant that holds
    both. The SES tenant has a suppression list of its own for bounces and complaints, and SES's standard reputation policy: SES
    pauses the tenant if it has too many of them. Writes no DNS: `dkim_tokens` go into `records.email_records`. Holds no state but
    that list.

    Args:
        domain: the sending subdomain.
        tenant_name: name of the SES tenant; permanent, since SES cannot rename it.
        mail_from: label of the MAIL FROM domain. Default: "mail".
        live: False stops all sending through the configuration set. Default: True.
        tracking: its `redirect_domain` replaces SES's domain of the image for opens: below `domain`, and not with tracked clicks.
            Default: SES's own.

    Raises:
        ValueError: `mail_from` is not one label, `tracking.redirect_domain` lies outside `domain` or clicks are tracked with it,
            `tenant_name` is no identifier, another identity of the app has
            `domain` or `tenant_name` in that account and region, or a text holds `{{` or a `${` that is
            no token (`check_texts`).

    Source: SES developer guide, "Easy DKIM", "Custom MAIL FROM domain", "Configuration sets", "Tenants", "Using
    tenant-level suppression lists".
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        domain: str,
        tenant_name: str,
        mail_from: str = "mail",
        live: bool = True,
        tracking: Tracking = ALL_EVENTS,
    ) -> None:
        super().__init__(scope, id)
        where = f"sending identity {shown(domain)}"
        check_props(
            self,
            where,
            _RULES,
            domain=domain,
            tenant_name=tenant_name,
            mail_from=mail_from,
            live=live,
            tracking=tracking,
        )
        with placed(self):
            _check(where, domain, tracking)
        elsewhere = "use another region or account, or one construct for both"
        claim(self, where, "domain", domain, holds="identity of a domain", remedy=elsewhere)
        claim(self, where, "tenant_name", tenant_name, holds="SES tenant of a name", remedy=elsewhere)
        self.domain = domain
        self.mail_from_domain = f"{mail_from}.{domain}"

        configuration_set = ses.CfnConfigurationSet(
            self,
            "ConfigurationSet",
            # SES encrypts only when the receiver offers it unless told otherwise.
            delivery_options=ses.CfnConfigurationSet.DeliveryOptionsProperty(tls_policy="REQUIRE"),
            reputation_options=ses.CfnConfigurationSet.ReputationOptionsProperty(reputation_metrics_enabled=True),
            sending_options=ses.CfnConfigurationSet.SendingOptionsProperty(sending_enabled=live),
            # The redirect domain answers over plain HTTP, as OPTIONAL has it for the image of opens. A link keeps its own protocol
            # with OPTIONAL, and for https the name would need a CDN with a certificate in front: hence no clicks with it.
            tracking_options=ses.CfnConfigurationSet.TrackingOptionsProperty(
                custom_redirect_domain=tracking.redirect_domain, https_policy="OPTIONAL"
            )
            if tracking.redirect_domain is not None
            else None,
        )
        self.configuration_set_name: str = configuration_set.ref
        identity = ses.CfnEmailIdentity(
            self,
            "Identity",
            email_identity=domain,
            dkim_attributes=ses.CfnEmailIdentity.DkimAttributesProperty(signing_enabled=True),
            dkim_signing_attributes=ses.CfnEmailIdentity.DkimSigningAttributesProperty(
                next_signing_key_length="RSA_2048_BIT"
            ),
            mail_from_attributes=ses.CfnEmailIdentity.MailFromAttributesProperty(
                mail_from_domain=self.mail_from_domain,
                # Until its MX is seen, SES sends from amazonses.com, which DKIM still aligns, instead of refusing to send.
                behavior_on_mx_failure="USE_DEFAULT_VALUE",
            ),
            configuration_set_attributes=ses.CfnEmailIdentity.ConfigurationSetAttributesProperty(
                configuration_set_name=self.configuration_set_name
            ),
            # Bounces reach us as events; forwarded by mail they would go to the tenant's own inbox.
            feedback_attributes=ses.CfnEmailIdentity.FeedbackAttributesProperty(email_forwarding_enabled=False),
        )
        self.identity_arn = arn("ses", f"identity/{identity.ref}")
        self.configuration_set_arn = arn("ses", f"configuration-set/{self.configuration_set_name}")
        self.dkim_tokens = (
            DkimToken(name=identity.attr_dkim_dns_token_name1, target=identity.attr_dkim_dns_token_value1),
            DkimToken(name=identity.attr_dkim_dns_token_name2, target=identity.attr_dkim_dns_token_value2),
            DkimToken(name=identity.attr_dkim_dns_token_name3, target=identity.attr_dkim_dns_token_value3),
        )
        self.tenant_name = tenant_name
        tenant = ses.CfnTenant(
            self,
            "Tenant",
            tenant_name=tenant_name,
            resource_associations=[
                ses.CfnTenant.ResourceAssociationProperty(resource_arn=arn)
                for arn in (self.identity_arn, self.configuration_set_arn)
            ],
        )
        # As overrides, because the oldest supported releases of the CDK have no names for these.
        # By default all SES tenants share the account's list. A bounce of one tenant would then block the address for the others,
        # and reveal it to them. Options of the configuration set would override these, so it has none.
        suppression = {"SuppressedReasons": ["BOUNCE", "COMPLAINT"], "SuppressionScope": "TENANT"}
        tenant.add_property_override("SuppressionAttributes", suppression)
        # SES pauses a tenant with too many bounces or complaints, before it pauses the account with all tenants.
        policy = {"ReputationEntityPolicy": _reputation_policy()}
        tenant.add_property_override("ReputationEntity", {"Policy": policy})
        cdk.Validations.of(tenant).acknowledge(
            cdk.Acknowledgment(
                id="CloudFormation-Validate::F3002",
                reason="CloudFormation documents SuppressionAttributes, and the CDK's own class has it: the schema that the CDK "
                "validates with is older than both.",
            )
        )

    def grant_send(self, grantee: iam.IGrantable, *, addresses: Sequence[str]) -> iam.Grant:
        """Let `grantee` send from exactly these addresses, with this identity, configuration set and SES tenant.

        For SES API v2's SendEmail, which must name all three. Nothing else is allowed: no other address of the domain, and nothing
        of another tenant.

        Args:
            grantee: a role, a user, or a resource with a role, such as a function.
            addresses: addresses of `domain`, in lower case.

        Raises:
            ValueError: there is none, one is not a plain address of `domain`, or they exceed the size of a role's policies.

        Source: Service authorization reference, "Amazon SES"; SES developer guide, "Using identity policies".
        """
        allow, deny = self.send_statements(addresses)
        grantee.grant_principal.add_to_principal_policy(iam.PolicyStatement.from_json(deny))
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=allow["Action"],
            resource_arns=allow["Resource"],
            conditions=allow["Condition"],
        )

    def send_statements(self, addresses: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The statements that `grant_send` adds to a role's policy: one allows, one denies.

        Raises:
            ValueError: as `grant_send` does.
        """
        where = f'sending identity "{self.domain}"'
        if not addresses:
            raise ValueError(f"{where}: grant_send needs addresses, got none; name each that may send")
        is_address = rules.address_of(self.domain, receives=False)
        for address in addresses:
            # IAM compares letter by letter.
            if any(is_address(address)):
                raise ValueError(
                    f"{where}: grant_send takes addresses of the domain, in lower case, got {shown(address)}; "
                    f'use one such as "support@{self.domain}"'
                )
        only = sorted(set(addresses))
        if sender_characters(only) > MOST_SENDER_CHARACTERS:
            raise ValueError(
                f"{where}: grant_send takes addresses of {MOST_SENDER_CHARACTERS:,} characters in all, since a role's policies "
                f"hold no more, got {len(only)} addresses; grant them to several roles"
            )
        resources = [self.identity_arn, self.configuration_set_arn]
        allow = {
            "Effect": "Allow",
            # SES requires the second action for a raw message.
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": resources,
            "Condition": {"StringEquals": {"ses:FromAddress": only}},
        }
        deny = {
            "Effect": "Deny",
            # SendRawEmail has no key for the SES tenant.
            "Action": "ses:SendEmail",
            "Resource": resources,
            "Condition": {"StringNotEquals": {"ses:TenantName": self.tenant_name}},
        }
        return allow, deny


@cache
def _reputation_policy() -> str:
    """ARN of SES's own reputation policy; the account in it is "aws"."""
    return f"arn:{cdk.Aws.PARTITION}:ses:{cdk.Aws.REGION}:aws:reputation-policy/standard"


def _check(where: str, domain: str, tracking: Tracking) -> None:
    redirect_domain = tracking.redirect_domain
    if redirect_domain is None:
        return
    if not redirect_domain.endswith(f".{domain}"):
        raise ValueError(
            f'{where}: tracking.redirect_domain must lie below it, since SES wants it verified, got "{redirect_domain}"; '
            f'use "links.{domain}"'
        )
    if tracking.clicks:
        raise ValueError(
            f"{where}: tracking.redirect_domain must not be set while clicks are recorded, since links of https would lead to it, "
            f'where the certificate is Amazon\'s, got "{redirect_domain}"; use clicks=False, or leave it out'
        )
