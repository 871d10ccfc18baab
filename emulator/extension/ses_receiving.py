"""Receipt rule sets and receipt rules: their CloudFormation types, UpdateReceiptRule, and SES's checks.

Ministack has the SES API of both without UpdateReceiptRule, and no CloudFormation types. It also accepts rules that SES refuses:
those beyond the quotas, and those with a bucket that SES cannot write to. SES finds the latter by a test object.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import ClientError

from emulator.extension import ses_notifications, ses_storage, upstream
from emulator.extension.upstream import Properties, Provisioned, Response

SES = "services.ses"
RULES_PER_SET = 200
ACTIONS_PER_RULE = 10
RECIPIENTS_PER_RULE = 100  # of the two numbers AWS publishes, the lower
SETUP_KEY = "AMAZON_SES_SETUP_NOTIFICATION"
SETUP_MESSAGE = (
    b"From: Amazon Web Services <no-reply-aws@amazon.com>\r\nSubject: Amazon SES Setup Notification\r\n\r\n"
    b"A receipt rule that stores messages here was created or changed.\r\n"
)
RULE_PROPERTIES = frozenset({"Actions", "Enabled", "Name", "Recipients", "ScanEnabled", "TlsPolicy"})


def install() -> None:
    """Register both types, check rules when they are created, serve UpdateReceiptRule."""
    upstream.replace(SES, "_create_receipt_rule", _checked_create)
    upstream.replace(SES, "handle_request", _with_update)
    upstream.register(
        upstream.ResourceType(
            name="AWS::SES::ReceiptRuleSet",
            properties=frozenset({"RuleSetName"}),
            create=_create_set,
            update=lambda physical_id, _old, _new: (physical_id, {}),
            delete=_delete_set,
            replacing=("RuleSetName",),
        )
    )
    upstream.register(
        upstream.ResourceType(
            name="AWS::SES::ReceiptRule",
            properties=frozenset({"After", "Rule", "RuleSetName"}),
            create=_create_rule,
            update=_update_rule,
            delete=_delete_rule,
            replacing=("RuleSetName",),
        )
    )


# The API


def _checked_create(original: Any) -> Any:
    def create(params: dict[str, Any]) -> Response:
        found = _sets().get(_parameter(params, "RuleSetName"))
        if found and len(found["Rules"]) >= RULES_PER_SET:
            return _error("LimitExceeded", f"A rule set takes at most {RULES_PER_SET} rules")
        if found and (error := _refused(params)):
            return error
        response: Response = original(params)
        if response[0] == 200:
            _announce(params)
        return response

    return create


def _with_update(original: upstream.Asynchronous) -> upstream.Asynchronous:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        params = {**query, **parse_qs(body.decode(errors="replace"), keep_blank_values=True)} if body else query
        if not path.startswith("/v2/") and _parameter(params, "Action") == "UpdateReceiptRule":
            return _update(params)
        return await original(method, path, headers, body, query)

    return handle


def _update(params: dict[str, Any]) -> Response:
    rule = upstream.attribute(SES, "_receipt_rule_from_params")(params)
    invalid: Response | None = upstream.attribute(SES, "_receipt_rule_error")(rule)
    if invalid:
        return invalid
    set_name = _parameter(params, "RuleSetName")
    found = _sets().get(set_name)
    if not found:
        return _error("RuleSetDoesNotExist", f"Rule set does not exist: {set_name}")
    position = next((i for i, known in enumerate(found["Rules"]) if known["Name"] == rule["Name"]), None)
    if position is None:
        return _error("RuleDoesNotExist", f"Rule does not exist: {rule['Name']}")
    if error := _refused(params):
        return error
    found["Rules"][position] = rule
    _announce(params)
    response: Response = upstream.attribute(SES, "_receipt_result")("UpdateReceiptRule")
    return response


def _refused(params: dict[str, Any]) -> Response | None:
    """SES's refusal of a rule of valid form: it is too long, or SES cannot reach its targets."""
    rule = upstream.attribute(SES, "_receipt_rule_from_params")(params)
    for limit, name in ((RECIPIENTS_PER_RULE, "Recipients"), (ACTIONS_PER_RULE, "Actions")):
        if len(rule.get(name, [])) > limit:
            return _error("LimitExceeded", f"A rule takes at most {limit} {name.lower()}")
    for action in rule["Actions"]:
        for target in action.values():
            topic = target.get("TopicArn")
            arn = ses_storage.rule_arn(_parameter(params, "RuleSetName"), rule["Name"])
            if topic and (reason := ses_notifications.refusal(topic, arn)):
                return _error("InvalidSnsTopic", f"Invalid SNS topic: {topic}: {reason}")
        target = action.get("S3Action")
        if target is None:
            continue
        key = target.get("ObjectKeyPrefix", "") + SETUP_KEY
        arn = ses_storage.rule_arn(_parameter(params, "RuleSetName"), rule["Name"])
        if reason := ses_storage.refusal(target.get("BucketName", ""), key, arn):
            return _error("InvalidS3Configuration", f"Could not write to bucket: {reason}")
    return None


def _announce(params: dict[str, Any]) -> None:
    """Write SES's test object into the bucket."""
    for action in upstream.attribute(SES, "_receipt_rule_from_params")(params)["Actions"]:
        if target := action.get("S3Action"):
            ses_storage.put(target["BucketName"], target.get("ObjectKeyPrefix", "") + SETUP_KEY, SETUP_MESSAGE)


def _sets() -> Any:
    return upstream.attribute(SES, "_receipt_rule_sets")


def _parameter(params: dict[str, Any], name: str) -> str:
    value: str = upstream.attribute(SES, "_p")(params, name)
    return value


def _error(code: str, message: str) -> Response:
    response: Response = upstream.attribute(SES, "_receipt_error")(code, message)
    return response


# The CloudFormation types


def _create_set(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    name = properties.get("RuleSetName") or upstream.generated_name(stack_name, logical_id)
    upstream.client("ses").create_receipt_rule_set(RuleSetName=name)
    return name, {}


def _delete_set(physical_id: str, _properties: Properties) -> None:
    upstream.client("ses").delete_receipt_rule_set(RuleSetName=physical_id)


def _create_rule(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    rule = _rule(properties, upstream.generated_name(stack_name, logical_id))
    after = {"After": properties["After"]} if properties.get("After") else {}
    upstream.client("ses").create_receipt_rule(RuleSetName=properties["RuleSetName"], Rule=rule, **after)
    return _provisioned(rule["Name"])


def _update_rule(physical_id: str, old: Properties, new: Properties) -> Provisioned:
    """Change the rule in place. Its position stays, because CloudFormation does not move rules."""
    rule = _rule(new, physical_id)
    given = (new.get("Rule") or {}).get("Name")
    if given != (old.get("Rule") or {}).get("Name") and given:  # the engine deletes the old rule afterwards
        upstream.client("ses").create_receipt_rule(RuleSetName=new["RuleSetName"], Rule=rule)
    else:
        upstream.client("ses").update_receipt_rule(RuleSetName=new["RuleSetName"], Rule=rule)
    return _provisioned(rule["Name"])


def _delete_rule(physical_id: str, properties: Properties) -> None:
    try:
        upstream.client("ses").delete_receipt_rule(RuleSetName=properties["RuleSetName"], RuleName=physical_id)
    except ClientError as error:
        if not upstream.gone(error, "RuleSetDoesNotExist"):
            raise


def _rule(properties: Properties, default_name: str) -> dict[str, Any]:
    rule = dict(properties.get("Rule") or {})
    upstream.only(RULE_PROPERTIES, rule, "AWS::SES::ReceiptRule Rule")
    rule.setdefault("Name", default_name)
    for name in ("Enabled", "ScanEnabled"):
        if name in rule:
            rule[name] = upstream.flag(rule[name])
    return rule


def _provisioned(name: str) -> Provisioned:
    return name, {"Id": name, "RuleName": name}
