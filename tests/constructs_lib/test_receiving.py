"""TenantInbox and ActiveReceiptRuleSet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from constructs_lib import ActiveReceiptRuleSet, Retention, TenantInbox, TenantInboxProps
from constructs_lib.bucket_policy import IngestWriter, Scanner
from mailroom.scanning.verdicts import Action, Policy
from tests.templates import REGION, new_stack, only, resources, template_of

DOMAIN = "post.acme.example"


def inbox_template(recipients: list[str] | None = None, **settings: Any) -> Template:
    """Template of a stack with one inbox."""
    stack = new_stack()
    if "scanner" in settings and "alerts_topic" not in settings:
        settings["alerts_topic"] = sns.Topic.from_topic_arn(stack, "Alerts", ALERTS)
    props: dict[str, Any] = {
        "tenant_id": "acme",
        "rule_set_name": "email-cell-eu",
        "recipients": recipients if recipients is not None else [f"support@{DOMAIN}"],
        **settings,
    }
    TenantInbox(stack, "Inbox", TenantInboxProps(**props))
    return template_of(stack)


def statements(template: Template) -> dict[str, Any]:
    """Statements of the bucket policy, by id."""
    return {s["Sid"]: s for s in only(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]}


def test_bucket_is_private_encrypted_versioned_and_kept() -> None:
    """Nothing public, SSE-S3, versions, ACLs off; kept on removal together with the policy that guards it."""
    template = inbox_template()
    bucket = only(template, "AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    for type_ in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy"):
        (resource,) = resources(template, type_).values()
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def days_in_bucket(template: Template, key: str) -> float:
    """Days until the bytes of an object with this key are gone, by S3's own rules for a bucket with versions.

    Expiration puts a delete marker over the object, and makes it a noncurrent version; the shortest rule that reaches it counts.
    """
    rules = [
        rule
        for rule in only(template, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
        if rule["Status"] == "Enabled" and key.startswith(rule.get("Prefix", ""))
    ]
    shown = min((rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule), default=math.inf)
    hidden = min(
        (
            rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
            for rule in rules
            if "NoncurrentVersionExpiration" in rule
        ),
        default=math.inf,
    )
    return float(shown + hidden)


@pytest.mark.parametrize(("raw", "messages"), [(90, 30), (3650, 1), (1, 3650), (1, 1), (7, 365), (3650, 36500)])
def test_bytes_stay_as_long_as_retention_says(raw: int, messages: int) -> None:
    """Each prefix by its own setting, of which S3 takes no fewer than two days; verdicts as long as any mail that they are on."""
    template = inbox_template(retention=Retention(raw_days=raw, messages_days=messages), **SCANNED)
    found = {
        prefix: days_in_bucket(template, f"{prefix}m1")
        for prefix in ("raw/", "raw/out/", "clean/", "clean/out/", "attachments/", "bodies/", "verdicts/", "held/")
    }
    lives = {"raw/": raw, "raw/out/": raw, "held/": raw, "verdicts/": max(raw, messages)}
    assert found == {prefix: max(lives.get(prefix, messages), 2) for prefix in found}


def test_held_mail_never_outlives_its_verdict() -> None:
    """90 days of quarantine and 30 of delivered messages: what is held for 90 days has a verdict as long."""
    template = inbox_template(retention=Retention(messages_days=30), **SCANNED)
    assert days_in_bucket(template, "verdicts/m1/v.json") == days_in_bucket(template, "raw/m1") == 90
    forever = inbox_template(**SCANNED)
    assert days_in_bucket(forever, "verdicts/m1/v.json") == math.inf


def test_messages_stay_until_deleted_and_not_longer() -> None:
    """Without a retention nothing expires but quarantine; what somebody deletes is gone a day later, wherever it stood."""
    template = inbox_template()
    assert days_in_bucket(template, "raw/m1") == 90
    assert days_in_bucket(template, "clean/m1") == math.inf
    rules = only(template, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    (everything,) = [rule for rule in rules if "Prefix" not in rule]
    assert everything["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert everything["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_delete_markers_go_with_the_last_version() -> None:
    """One rule for the whole bucket does it, beside nothing that S3 or CloudFormation refuses beside it."""
    rules = only(inbox_template(retention=Retention(messages_days=30), **SCANNED), "AWS::S3::Bucket")[
        "LifecycleConfiguration"
    ]["Rules"]
    (marked,) = [rule for rule in rules if "ExpiredObjectDeleteMarker" in rule]
    assert marked["ExpiredObjectDeleteMarker"] is True
    assert not marked.keys() & {"Prefix", "ExpirationInDays", "ExpirationDate", "TagFilters"}
    assert len({rule["Id"] for rule in rules}) == len(rules) == 7


def test_rule_files_mail_under_raw() -> None:
    """TLS required, spam scan on, exactly the recipients, one S3 action."""
    template = inbox_template()
    (bucket,) = resources(template, "AWS::S3::Bucket")
    assert only(template, "AWS::SES::ReceiptRule") == {
        "RuleSetName": "email-cell-eu",
        "Rule": {
            "Name": "acme-0",
            "Enabled": True,
            "Recipients": [f"support@{DOMAIN}"],
            "ScanEnabled": True,
            "TlsPolicy": "Require",
            "Actions": [{"S3Action": {"BucketName": {"Ref": bucket}, "ObjectKeyPrefix": "raw/"}}],
        },
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"live": False}, ("Enabled", False)), ({"receiving_tls": "optional"}, ("TlsPolicy", "Optional"))],
)
def test_rule_settings(settings: dict[str, Any], expected: tuple[str, Any]) -> None:
    """Both switches reach the rule."""
    assert expected in only(inbox_template(**settings), "AWS::SES::ReceiptRule")["Rule"].items()


def test_ses_may_write_for_exactly_these_rules() -> None:
    """Only under raw/, only for this account, only for the rules by name, and the one that takes mail while addresses move."""
    template = inbox_template([f"a{n}@{DOMAIN}" for n in range(3)], recipients_per_rule=2)
    statement = statements(template)["LetReceiptRulesWrite"]
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert statement["Action"] == "s3:PutObject"
    assert statement["Resource"]["Fn::Join"][1][1] == "/raw/*"
    condition = statement["Condition"]["StringEquals"]
    assert condition["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert [arn["Fn::Join"][1][-1] for arn in condition["aws:SourceArn"]] == [
        f":receipt-rule-set/email-cell-eu:receipt-rule/acme-{name}" for name in ("0", "1", "moving")
    ]


SCANNER = Scanner(
    role_arn="arn:aws:iam::111111111111:role/scanner", queue_arn="arn:aws:sqs:eu-central-1:111111111111:arrivals"
)
ALERTS = "arn:aws:sns:eu-central-1:111111111111:alerts"
SCANNED: dict[str, Any] = {"scanner": SCANNER}


def test_only_the_scanner_reads_quarantine_and_delivers() -> None:
    """Both are denied to everyone but its role; what it needs is allowed to it alone, and nothing more of its own."""
    found = statements(inbox_template(**SCANNED))
    for sid in ("DenyReadingQuarantine", "DenyDelivering"):
        assert found[sid]["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": SCANNER.role_arn}}
    allowed = {sid: s for sid, s in found.items() if s["Effect"] == "Allow"}
    own = [
        "LetScannerTakeMail",
        "LetScannerDeliver",
        "LetScannerUnlist",
        "LetScannerReadReplaced",
        "LetScannerTakeBack",
        "LetScannerKnowBucket",
    ]
    assert list(allowed) == [*own, "LetReceiptRulesWrite"]
    for sid in own:
        assert allowed[sid]["Principal"] == {"AWS": SCANNER.role_arn}
    assert allowed["LetScannerTakeMail"]["Action"] == ["s3:GetObjectVersion", "s3:DeleteObjectVersion"]
    assert [one["Fn::Join"][1][1] for one in allowed["LetScannerDeliver"]["Resource"]] == [
        "/clean/*",
        "/verdicts/*",
        "/held/*",
    ]
    assert allowed["LetScannerUnlist"]["Resource"]["Fn::Join"][1][1] == "/held/*"
    never = found["DenyScannerRequests"]
    assert (never["Effect"], never["Principal"], never["Action"]) == (
        "Deny",
        {"AWS": SCANNER.role_arn},
        ["s3:PutObject"],
    )
    assert [one["Fn::Join"][1][1] for one in never["Resource"]] == ["/raw/decisions/*", "/raw/out/*"]


def test_arrivals_are_told_to_the_scanner() -> None:
    """CloudFormation's own notification, for raw/ alone; whose bucket it is, and the policy, stand in its tags."""
    template = inbox_template(**SCANNED, scanning=Policy(infected=Action.DELETE))
    bucket = only(template, "AWS::S3::Bucket")
    (configured,) = bucket["NotificationConfiguration"]["QueueConfigurations"]
    assert (configured["Event"], configured["Queue"]) == ("s3:ObjectCreated:*", SCANNER.queue_arn)
    assert configured["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "raw/"}]}}
    assert {tag["Key"]: tag["Value"] for tag in bucket["Tags"]} == {
        "mail-scanning:tenant": "acme",
        "mail-scanning:topic": ALERTS,
        "mail-scanning:policy": (
            "clean=deliver infected=delete encrypted=hold over-limit=hold programs=strip macros=flag web-scripts=flag "
            "onenote-files=flag pdf-actions=flag unauthenticated=flag"
        ),
    }


def test_scanner_without_a_topic() -> None:
    """A detection that nobody can be told of is refused."""
    with pytest.raises(ValueError, match="scanner needs a topic to tell detections on, got none"):
        inbox_template(scanner=SCANNER, alerts_topic=None)


def test_without_a_scanner_nobody_reads_quarantine() -> None:
    """Denials for every principal, without exception; the only thing allowed is SES's write, and nothing is notified."""
    assert "NotificationConfiguration" not in only(inbox_template(), "AWS::S3::Bucket")
    found = statements(inbox_template())
    assert "Condition" not in found["DenyDelivering"]
    assert [sid for sid, s in found.items() if s["Effect"] == "Allow"] == ["LetReceiptRulesWrite"]
    denied = found["DenyReadingQuarantine"]
    assert (denied["Principal"], denied["Action"]) == ("*", "s3:GetObject*")
    assert denied["Resource"]["Fn::Join"][1][1] == "/raw/*"
    assert "Condition" not in denied
    assert found["DenyPlainHttp"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_more_recipients_than_a_rule_holds() -> None:
    """250 addresses are 3 rules, each made after the one before it, the first after the bucket policy."""
    recipients = [f"a{n}@{DOMAIN}" for n in range(250)]
    template = inbox_template(recipients)
    rules = resources(template, "AWS::SES::ReceiptRule")
    assert [len(rule["Properties"]["Rule"]["Recipients"]) for rule in rules.values()] == [100, 100, 50]
    assert [r for rule in rules.values() for r in rule["Properties"]["Rule"]["Recipients"]] == recipients
    (policy,) = resources(template, "AWS::S3::BucketPolicy")
    assert [rule["DependsOn"] for rule in rules.values()] == [[before] for before in [policy, *rules][:3]]


def test_appending_moves_no_address() -> None:
    """A new address at the end leaves every other one in its rule: none is without a rule during the update."""
    recipients = [f"a{n}@{DOMAIN}" for n in range(150)]
    before = resources(inbox_template(recipients), "AWS::SES::ReceiptRule")
    after = resources(inbox_template([*recipients, f"new@{DOMAIN}"]), "AWS::SES::ReceiptRule")
    for logical_id, rule in before.items():
        kept = rule["Properties"]["Rule"]["Recipients"]
        assert after[logical_id]["Properties"]["Rule"]["Recipients"][: len(kept)] == kept


def test_no_recipient_makes_no_rule() -> None:
    """A rule without recipients would take every address of every tenant."""
    template = inbox_template([])
    template.resource_count_is("AWS::SES::ReceiptRule", 0)
    assert "LetReceiptRulesWrite" not in statements(template)


def test_bucket_is_what_other_constructs_take() -> None:
    """A grant on the interface reaches the inbox's own bucket."""
    stack = new_stack()
    inbox = TenantInbox(
        stack,
        "Inbox",
        TenantInboxProps(tenant_id="acme", rule_set_name="email-cell-eu", recipients=[]),
    )
    assert stack.resolve(inbox.bucket().bucket_arn) == stack.resolve(inbox.bucket_arn)


def test_access_logs_go_where_they_are_told() -> None:
    """Under the tenant's id, in the bucket that is passed."""
    logging = only(inbox_template(access_logs_bucket_name="logs"), "AWS::S3::Bucket")["LoggingConfiguration"]
    assert logging == {"DestinationBucketName": "logs", "LogFilePrefix": "acme/"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"recipients": ["A@x.example", "a@x.example"]},
            r'recipients\[0\] must be in lower case, got "A@x.example"; use "a@x.example"',
        ),
        ({"recipients_per_rule": 0}, "recipients_per_rule must be 1 to 500, got 0"),
    ],
)
def test_recipients_that_ses_would_not_take(settings: dict[str, Any], message: str) -> None:
    """Refused with the value."""
    with pytest.raises(ValueError, match=message):
        inbox_template(**settings)


def rule_set_stack(name: str = "email-cell-eu") -> cdk.Stack:
    """A stack with one active rule set."""
    stack = new_stack()
    ActiveReceiptRuleSet(stack, "RuleSet", rule_set_name=name)
    return stack


def test_activation_is_one_custom_resource_after_set_and_rights() -> None:
    """It waits for the rule set and for its own rights, and gives up within minutes."""
    template = template_of(rule_set_stack())
    assert only(template, "AWS::SES::ReceiptRuleSet") == {"RuleSetName": "email-cell-eu"}
    (activation,) = resources(template, "Custom::ActiveReceiptRuleSet").values()
    assert activation["Properties"]["RuleSetName"] == "email-cell-eu"
    assert activation["Properties"]["ServiceTimeout"] == "300"
    waits_for = set(activation["DependsOn"])
    for type_ in ("AWS::SES::ReceiptRuleSet", "AWS::IAM::Policy"):
        assert waits_for & resources(template, type_).keys()


def test_activator_may_do_nothing_else() -> None:
    """Two SES actions that know no resources, and its own log group."""
    policy = only(template_of(rule_set_stack()), "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert [(s["Action"], s["Resource"]) for s in policy if s["Resource"] == "*"] == [
        (["ses:DescribeActiveReceiptRuleSet", "ses:SetActiveReceiptRuleSet"], "*")
    ]
    assert {action.split(":")[0] for s in policy for action in s["Action"]} == {"logs", "ses"}


def test_activator_ships_what_it_imports_and_nothing_else() -> None:
    """The asset holds what the handler imports of ours: no library, no cache, no other code."""
    app = cdk.App(tree_metadata=False)
    stack = cdk.Stack(app, "Stack", env=cdk.Environment(region=REGION))
    ActiveReceiptRuleSet(stack, "RuleSet", rule_set_name="email-cell-eu")
    assembly = app.synth()
    (asset,) = Path(assembly.directory).glob("asset.*")
    shipped = sorted(str(path.relative_to(asset)) for path in asset.rglob("*") if path.is_file())
    assert shipped == [
        "mailroom/__init__.py",
        "mailroom/errors.py",
        "mailroom/faults.py",
        "mailroom/functions/__init__.py",
        "mailroom/functions/rule_set_activation.py",
        "mailroom/lazy_imports.py",
        "mailroom/py.typed",
        "mailroom/rule_set_activation.py",
    ]
    (function,) = resources(template_of(stack), "AWS::Lambda::Function").values()
    assert function["Properties"]["Handler"] == "mailroom.functions.rule_set_activation.on_event"


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "x" * 65, "ä"])
def test_rule_set_name_that_ses_would_not_take(name: str) -> None:
    """Refused with the value and the rule."""
    with pytest.raises(ValueError, match="rule_set_name must be at most 64"):
        rule_set_stack(name)


def test_rules_tell_the_scanners_topic_whom_mail_is_for() -> None:
    """Each rule; without a scanner, or with one without a topic, SES tells nobody."""
    topic = "arn:aws:sns:eu-central-1:111111111111:envelopes"
    recipients = [f"a{number}@{DOMAIN}" for number in range(3)]
    told = Scanner(role_arn=SCANNER.role_arn, queue_arn=SCANNER.queue_arn, topic_arn=topic)
    for scanner, wanted in ((told, topic), (SCANNER, None)):
        template = inbox_template(recipients, scanner=scanner, recipients_per_rule=2)
        rules = [one["Properties"]["Rule"] for one in resources(template, "AWS::SES::ReceiptRule").values()]
        assert [one["Actions"][0]["S3Action"].get("TopicArn") for one in rules] == [wanted, wanted]


def test_recipients_reach_what_files_the_mail() -> None:
    """The scanner writes them among the verdicts; the function that files mail hears of it, and reads nothing else there."""
    structurer = IngestWriter(role_arn="arn:aws:iam::111111111111:role/filing", queue_arn=SCANNER.queue_arn)
    template = inbox_template(scanner=SCANNER, structurer=structurer)
    told = only(template, "AWS::S3::Bucket")["NotificationConfiguration"]["QueueConfigurations"]
    prefixes = [one["Filter"]["S3Key"]["Rules"][0]["Value"] for one in told]
    assert prefixes == ["raw/", "clean/", "verdicts/recipients/"]
    read = statements(template)["LetStructurerRead"]
    assert [one["Fn::Join"][1][-1] for one in read["Resource"]] == ["/clean/*", "/verdicts/recipients/*"]
    assert days_in_bucket(template, "verdicts/recipients/m1") == days_in_bucket(template, "verdicts/m1/v.json")
