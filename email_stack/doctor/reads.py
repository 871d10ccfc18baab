"""Reads an account's state from AWS: read-only calls, each made once for all checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Self, TypeVar

from email_stack.config import Cell
from email_stack.doctor.sources import GLOBAL_REGION, SOURCES
from email_stack.operations.aws import AwsError, aws_errors, code_of, session

__all__ = ["BOOTSTRAP_PARAMETER", "AccountReader", "Amount", "HostedZone", "RefusedError", "SendingState"]

BOOTSTRAP_PARAMETER: Final = "/cdk-bootstrap/hnb659fds/version"
"""SSM parameter with the version of the bootstrap; the templates' parameter BootstrapVersion has the same default."""

_UNUSED: Final = frozenset({"DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"})
"""States of stacks that hold nothing."""
_STATES: Final = (
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
)
"""All but DELETE_COMPLETE, of which CloudFormation lists 90 days."""
_MIB: Final = 1024 * 1024

_CONNECTIONS: Final = 10

_T = TypeVar("_T")


class RefusedError(AwsError):
    """The credentials lack a permission, which the text names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """A quota's value and its usage; None when the usage is not asked for."""

    limit: int
    used: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SendingState:
    """State of SES in one region of the account.

    Args:
        production: whether it is out of the sandbox.
        review: of the request for production access: PENDING, FAILED, GRANTED or DENIED; "" when none was made.
        enabled: whether sending is on.
        enforcement: HEALTHY, PROBATION or SHUTDOWN.
        a_day: messages it may send in 24 hours.
    """

    production: bool
    review: str
    enabled: bool
    enforcement: str
    a_day: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HostedZone:
    """A hosted zone: its name without the trailing dot, whether it is private, and its name servers."""

    name: str
    private: bool
    servers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AccountReader:
    """Reads one region of the account; safe to use from several threads.

    Args:
        cell: whose region it is.
        connect: makes a client of a service in a region.
    """

    cell: Cell
    connect: Callable[[str, str], Any]
    _known: dict[str, tuple[Lock, list[Any]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, cell: Cell) -> Self:
        """Open with the default credentials. Raises `AwsError`."""
        from botocore.config import Config as ClientConfig  # noqa: PLC0415 - see email_stack.operations.aws

        with aws_errors(f'cell "{cell.id}": cannot be asked'):
            patient = ClientConfig(retries={"mode": "adaptive", "max_attempts": 6}, max_pool_connections=_CONNECTIONS)
            own: Any = session()  # its overloads want the service's name as a literal
        making = Lock()  # boto3's sessions are not safe to make clients with from several threads

        def connect(service: str, region: str) -> Any:
            with making:
                return own.client(service, region_name=region, config=patient)

        return cls(cell=cell, connect=connect)

    def bootstrap_version(self) -> int | None:
        """The version of the CDK's bootstrap; None when there is none.

        Raises:
            RefusedError: a permission is lacking.
            AwsError: AWS refused otherwise.
        """
        ssm = self._client("ssm")
        with _asking("ssm:GetParameter", f"parameter {BOOTSTRAP_PARAMETER}"):
            try:
                value = ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
            except ssm.exceptions.ParameterNotFound:
                return None
        try:
            return int(value)
        except ValueError:
            raise AwsError(f"parameter {BOOTSTRAP_PARAMETER}: must be a number, got {value!r}") from None

    def sending(self) -> SendingState:
        """State of the account's sending. Raises as `bootstrap_version` does."""
        return self._once("sending", self._sending)

    def _sending(self) -> SendingState:
        with _asking("ses:GetAccount", "SES account"):
            answer = self._client("sesv2").get_account()
        return SendingState(
            production=bool(answer.get("ProductionAccessEnabled")),
            review=str(answer.get("Details", {}).get("ReviewDetails", {}).get("Status", "")),
            enabled=bool(answer.get("SendingEnabled")),
            enforcement=str(answer.get("EnforcementStatus", "")),
            a_day=int(answer.get("SendQuota", {}).get("Max24HourSend", 0)),
        )

    def active_rule_set(self) -> str | None:
        """Name of the active receipt rule set; None when none is active. Raises as `bootstrap_version` does."""
        with _asking("ses:DescribeActiveReceiptRuleSet", "active receipt rule set"):
            name = self._client("ses").describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
        return str(name) if name is not None else None

    def hosted_zone(self, zone_id: str) -> HostedZone | None:
        """The hosted zone with that id; None when the account has none. Raises as `bootstrap_version` does."""
        return self._once(f"zone {zone_id}", lambda: self._hosted_zone(zone_id))

    def _hosted_zone(self, zone_id: str) -> HostedZone | None:
        route53 = self._client("route53")
        with _asking("route53:GetHostedZone", f"hosted zone {zone_id}"):
            try:
                answer = route53.get_hosted_zone(Id=zone_id)
            except route53.exceptions.NoSuchHostedZone:
                return None
        return HostedZone(
            name=str(answer["HostedZone"]["Name"]).rstrip(".").lower(),
            private=bool(answer["HostedZone"].get("Config", {}).get("PrivateZone")),
            servers=tuple(one.rstrip(".").lower() for one in answer.get("DelegationSet", {}).get("NameServers", ())),
        )

    def key_policy(self, key_arn: str) -> str | None:
        """The policy of a KMS key; None where there is no such key. Raises as `bootstrap_version` does."""
        kms = self._client("kms")
        with _asking("kms:GetKeyPolicy", f"key {key_arn}"):
            try:
                return str(kms.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"])
            except kms.exceptions.NotFoundException:
                return None

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a deployed stack. Raises as `bootstrap_version` does."""

        def ask() -> dict[str, str]:
            with _asking("cloudformation:DescribeStacks", f"stack {stack}"):
                (found,) = self._client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
                return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}

        return self._once(f"outputs {stack}", ask)

    def stacks(self) -> frozenset[str]:
        """Names of the stacks that have resources. Raises as `bootstrap_version` does."""
        return frozenset(name for name, state in self._stacks() if state not in _UNUSED)

    def _stacks(self) -> list[tuple[str, str]]:
        return self._once("stacks", self._listed_stacks)

    def _listed_stacks(self) -> list[tuple[str, str]]:
        with _asking("cloudformation:ListStacks", "stacks"):
            pages = (
                self._client("cloudformation").get_paginator("list_stacks").paginate(StackStatusFilter=list(_STATES))
            )
            return [(one["StackName"], one["StackStatus"]) for page in pages for one in page["StackSummaries"]]

    def quota(self, name: str) -> Amount:
        """Value of a quota, and its usage if one request has it.

        Args:
            name: one of `SOURCES`.

        Raises:
            RefusedError: a permission is lacking.
            AwsError: AWS refused otherwise.
        """
        match name:
            case "hosted_zones":
                return self._hosted_zones()
            case "concurrent_executions":
                return Amount(limit=int(self._functions()["AccountLimit"]["ConcurrentExecutions"]))
            case "code_storage_mib":
                limit, usage = self._functions()["AccountLimit"], self._functions()["AccountUsage"]
                return Amount(limit=limit["TotalCodeSize"] // _MIB, used=-(-usage["TotalCodeSize"] // _MIB))
            case "iam_roles":
                with _asking("iam:GetAccountSummary", "IAM roles"):
                    used = int(self._client("iam").get_account_summary()["SummaryMap"]["Roles"])
            case "stacks":
                used = len(self._stacks())
            case "event_rules":
                with _asking("events:ListRules", "EventBridge rules"):
                    pages = self._client("events").get_paginator("list_rules").paginate()
                    used = sum(len(page["Rules"]) for page in pages)
            case _:
                return Amount(limit=self._applied(name))
        return Amount(limit=self._applied(name), used=used)

    def _hosted_zones(self) -> Amount:
        with _asking("route53:GetAccountLimit", "hosted zones"):
            answer = self._client("route53").get_account_limit(Type="MAX_HOSTED_ZONES_BY_OWNER")
        return Amount(limit=int(answer["Limit"]["Value"]), used=int(answer["Count"]))

    def _functions(self) -> Any:
        def ask() -> Any:
            with _asking("lambda:GetAccountSettings", "functions"):
                return self._client("lambda").get_account_settings()

        return self._once("functions", ask)

    def _applied(self, name: str) -> int:
        """The account's value from Service Quotas; AWS's default where the account has none."""
        source = SOURCES[name]
        client = self._client("service-quotas", GLOBAL_REGION if source.account_wide else self.cell.region)
        asked = {"ServiceCode": source.service, "QuotaCode": source.code}
        with _asking("servicequotas:GetServiceQuota", f'quota "{source.title}"'):
            try:
                return int(client.get_service_quota(**asked)["Quota"]["Value"])
            except client.exceptions.NoSuchResourceException:
                pass
        with _asking("servicequotas:GetAWSDefaultServiceQuota", f'quota "{source.title}"'):
            return int(client.get_aws_default_service_quota(**asked)["Quota"]["Value"])

    def _client(self, service: str, region: str = "") -> Any:
        place = region or self.cell.region
        return self._once(f"client {service} {place}", lambda: self.connect(service, place))

    def _once(self, key: str, ask: Callable[[], _T]) -> _T:
        """The result of `ask`, cached; a failure is not cached."""
        with self._lock:
            lock, found = self._known.setdefault(key, (Lock(), []))
        with lock:
            if not found:
                found.append(ask())
        value: _T = found[0]
        return value


@contextmanager
def _asking(permission: str, about: str) -> Iterator[None]:
    """Raise a missing permission as `RefusedError`, and every other refusal of AWS as `AwsError`."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see email_stack.operations.aws

    from mailroom.faults import DENIED  # noqa: PLC0415

    with aws_errors(f"{about}: cannot be read"):
        try:
            yield
        except ClientError as error:
            if code_of(error) in DENIED:
                raise RefusedError(f"needs permission {permission}") from error
            raise
