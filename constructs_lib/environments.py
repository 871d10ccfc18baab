"""Names that must be unique in an account and region. Synthesis finds conflicts, before CloudFormation has made half of a stack.

Account, region and name are compared. Two regions or two accounts may have the same name. Stacks of one Stage without a set account
or region share one, since one `cdk deploy` brings them to the same place. It differs from all set ones, and from those of other
Stages.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from constructs import Construct, IConstruct

from constructs_lib.checks import placed
from constructs_lib.faults import shown
from constructs_lib.intrinsics import is_token
from constructs_lib.regions import RECEIVING_REGIONS

__all__ = ["check_receives", "claim", "environment"]


class _Environment(NamedTuple):
    account: str
    region: str


_ENVIRONMENTS: Final[WeakKeyDictionary[cdk.Stack, _Environment]] = WeakKeyDictionary()
_CLAIMED: Final[WeakKeyDictionary[IConstruct, dict[tuple[_Environment, str, str], Construct]]] = WeakKeyDictionary()


def environment(scope: Construct) -> tuple[str, str]:
    """Account and region of the scope's stack. An unset one is the Stage's."""
    stack = cdk.Stack.of(scope)
    found = _ENVIRONMENTS.get(stack)
    if found is None:
        account, region = stack.account, stack.region
        if is_token(account) or is_token(region):
            stage = cdk.Stage.of(stack)
            of_stage = f"of stage {stage.node.path!r}" if stage is not None else "of no stage"
            account, region = (of_stage if is_token(one) else one for one in (account, region))
        found = _ENVIRONMENTS[stack] = _Environment(account, region)
    return found


def claim(
    scope: Construct, subject: str, field: str, *names: str, holds: str, remedy: str, shared: str | None = None
) -> None:
    """Reserve names for the scope, in its account and region.

    Args:
        scope: the construct with these names.
        subject: such as 'sending identity "post.acme.example"'.
        field: the prop with the names.
        names: the names; case makes no difference. Tokens are compared as text.
        holds: the unique resource, such as "identity of a domain".
        remedy: the repair.
        shared: one key that is reserved in place of all names. Default: None, each name is reserved.

    Raises:
        ValueError: another construct of the app has reserved one.
    """
    taken = _CLAIMED.setdefault(scope.node.root, {})
    where = _Environment(*environment(scope))
    for name in names:
        other = taken.setdefault((where, holds, (name if shared is None else shared).lower()), scope)
        if other is not scope:
            with placed(scope):
                raise ValueError(
                    f'{subject}: {field} must differ from that of "{other.node.path}", as an account and region has only one '
                    f"{holds}, got {shown(name)}; {remedy}"
                )


def check_receives(scope: Construct, subject: str) -> None:
    """Refuse a region where SES receives no mail, because the host of its MX does not exist.

    Raises:
        ValueError: the stack's region is known, and SES receives no mail there.
    """
    region = cdk.Stack.of(scope).region
    if not is_token(region) and region not in RECEIVING_REGIONS:
        with placed(scope):
            raise ValueError(
                f"{subject}: region of the stack must be one where SES receives mail, got {shown(region)}; use one such as "
                '"eu-central-1"'
            )
