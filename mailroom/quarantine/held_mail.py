"""Held mail for applications: lists, releases, discards.

held = HeldMail.of(bucket="...")
for message in held.messages().items:
    held.release(message, by="anna", reason="the sender called")
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mailroom.clients import application_clients
from mailroom.errors import MailroomError, PermanentError
from mailroom.faults import GONE, fault
from mailroom.held_mail import Decision, DecisionKind, HeldMessage, decision_key, held_key, is_held_id
from mailroom.layout import HELD_PREFIX
from mailroom.store.arguments import page_size
from mailroom.store.entities import Page

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

__all__ = ["HeldMail"]

_INFECTED: Final = "infected"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldMail:
    """Held mail in one tenant's quarantine. `HeldMail.of` makes one.

    It shows authors, recipients, subject and the reason; only the scanner reads the message itself. An application needs the grant
    `TenantSubdomain.grant_held`.

    Args:
        s3: client of S3.
        bucket: name of the tenant's bucket.

    Raises:
        RetryableError: in each method, AWS does not answer, or takes no more now; the same call may succeed later.
        PermanentError: in each method, AWS refuses, and would again. The text names action, resource and remedy.
    """

    s3: S3Client
    bucket: str

    @classmethod
    def of(cls, *, bucket: str, session: boto3.Session | None = None, config: Config | None = None) -> Self:
        """The held mail of the tenant that has this bucket: output BucketName of its stack.

        Args:
            bucket: name of the bucket.
            session: session of boto3 with credentials and region. Default: a new one, from environment and profile.
            config: settings of the client, over the default: 3 seconds to connect, 10 to read, 4 attempts in botocore's mode
                "standard".

        Raises:
            PermanentError: neither session, environment nor profile names a region, or the profile does not exist.
        """
        return cls(s3=application_clients(session, config)[1], bucket=bucket)

    def messages(self, *, limit: int = 50, after: str = "") -> Page[HeldMessage]:
        """Held messages, oldest first. Takes one request to S3 per message of the page.

        Args:
            limit: most items of the page, from 1 up. Default: 50; 100 for a greater number.
            after: `next` of the page before; "" for the first page.

        Raises:
            ValueError: `after` is no `next` of a page of held mail, or `limit` is below 1.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        if after and not is_held_id(after):
            raise ValueError(
                "after must be the `next` of a page of the same call, got something else; leave it out for the first page"
            )
        ids, goes_on = self._ids(HELD_PREFIX, page_size(limit), held_key(after) if after else "")
        found = [self._read(one) for one in ids]
        return Page(items=tuple(one for one in found if one is not None), next=ids[-1] if goes_on else "")

    def message(self, id: str) -> HeldMessage | None:
        """One held message; None if it is not held any more.

        Args:
            id: `id` of a HeldMessage, or `held_id` of an event.

        Raises:
            ValueError: `id` is not an id.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        if not is_held_id(id):
            raise ValueError("id must be the `id` of a HeldMessage or the `held_id` of an event, got something else")
        return self._read(id) if self._waits(id) else None

    def release(self, message: HeldMessage, *, by: str, reason: str) -> str:
        """Request the delivery of a message, even against the tenant's policy; returns the id of the request.

        The scanner scans it once more and decides: it releases no malware, and nothing whose new verdict is worse than
        `message.verdict`. MessageReleased reports the release. After a refusal the message stays, and its `request` is this id. The
        verdict's record has the reason and the requester, as named by the application and by S3.

        Args:
            message: a listed message.
            by: the requester: 1 to 512 printable characters, such as the user's id.
            reason: 1 to 200 printable characters.

        Raises:
            ValueError: the message has malware, or `by` or `reason` is not such a text.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        if message.verdict == _INFECTED or any(one.verdict == _INFECTED for one in message.findings):
            raise ValueError(
                "release: must be of mail without malware, got infected; discard it, or leave it to an operator"
            )
        return self._ask(DecisionKind.RELEASE, message, by, reason)

    def discard(self, message: HeldMessage, *, by: str, reason: str) -> str:
        """Request the deletion of a message from quarantine; returns the id of the request.

        MessageDiscarded reports the deletion. A message of the outbox becomes `refused`. Its verdict stays, with requester and
        reason.

        Args:
            message: a listed message.
            by: the requester: 1 to 512 printable characters, such as the user's id.
            reason: 1 to 200 printable characters.

        Raises:
            ValueError: `by` or `reason` is not such a text.
            RetryableError: AWS does not answer, or takes no more now.
            PermanentError: AWS refuses, and would again.
        """
        return self._ask(DecisionKind.DISCARD, message, by, reason)

    def _ask(self, kind: DecisionKind, message: HeldMessage, by: str, reason: str) -> str:
        decision = Decision(kind=kind, held=message.id, verdict=message.verdict, by=by, reason=reason)
        request = uuid.uuid4().hex
        key = decision_key(request)
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=decision.to_json(), ContentType="application/json")
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, "s3:PutObject", key) from error
        return request

    def _ids(self, prefix: str, limit: int, start: str) -> tuple[list[str], bool]:
        """Ids below a prefix in the order of their keys, and whether others follow."""
        try:
            answer = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=limit, StartAfter=start)
        except (BotoCoreError, ClientError) as error:
            raise self._fault(error, "s3:ListBucket", prefix) from error
        keys = [one["Key"] for one in answer.get("Contents", [])]
        return [key.removeprefix(HELD_PREFIX).removesuffix(".json") for key in keys], answer["IsTruncated"]

    def _waits(self, id: str) -> bool:
        return bool(self._ids(held_key(id), 1, "")[0])

    def _read(self, id: str) -> HeldMessage | None:
        key = held_key(id)
        try:
            with_body = self.s3.get_object(Bucket=self.bucket, Key=key)
            return HeldMessage.of_json(with_body["Body"].read())
        except (BotoCoreError, ClientError) as error:
            found = self._fault(error, "s3:GetObject", key)
            # For a missing object, S3 answers 403 to callers that may not list the whole bucket.
            if found.code in GONE or (isinstance(found, PermanentError) and not self._waits(id)):
                return None
            raise found from error

    def _fault(self, error: BotoCoreError | ClientError, action: str, key: str) -> MailroomError:
        where = f"{self.bucket}/{key}"
        return fault(error, action=action, resource=where, where=where)
