"""SES telling a topic of received mail: whether the topic's policy and key let it, and the publishing.

Ministack has no inbound mail. As with objects, SES calls SNS as a service principal, for a receipt rule.

Source: SES developer guide, "Contents of notifications for Amazon SES email receiving".
"""

from __future__ import annotations

from emulator.extension import endpoints, ses_storage, upstream

PATH = "/_emulator/ses/notifications"
SNS = "services.sns"
SUBJECT = "Amazon SES Email Receipt Notification"


def install() -> None:
    """Serve `PUT /_emulator/ses/notifications`, with which `emulator.inbound` tells a topic."""
    endpoints.serve("PUT", PATH, _publish)


def refusal(topic: str, source_arn: str) -> str | None:
    """Why SES may not publish to this topic for this rule, or None."""
    if topic not in upstream.attribute(SNS, "_topics"):
        return f"topic {topic} does not exist"
    if not upstream.attribute(SNS, "topic_policy_allows")(topic, ses_storage.SERVICE, source_arn, upstream.account()):
        return (
            f"the policy of topic {topic}, or of its key, does not let {ses_storage.SERVICE} publish for {source_arn}"
        )
    return None


def _publish(query: dict[str, str], content: bytes) -> endpoints.Answer:
    topic, rule_set, rule = (query[name] for name in ("topic", "rule_set", "rule"))
    if reason := refusal(topic, ses_storage.rule_arn(rule_set, rule)):
        return 403, reason
    upstream.attribute(SNS, "publish_internal")(topic, content.decode(), SUBJECT)
    return 200, ""
