"""Buckets and their properties."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Stacks


def bucket(name: str, **more: Any) -> dict[str, Any]:
    """A bucket and nothing else."""
    return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **more}}}


ROT13 = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}
PROPERTIES = {
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"},
            }
        ]
    },
    "LifecycleConfiguration": {
        "Rules": [
            {"Id": "raw", "Status": "Enabled", "Prefix": "raw/", "ExpirationInDays": 30},
            {
                "Id": "all",
                "Status": "Enabled",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 90}],
            },
            {"Status": "Disabled", "TagFilters": [{"Key": "a", "Value": "b"}], "ExpirationInDays": 1},
        ]
    },
    "LoggingConfiguration": {"DestinationBucketName": "props", "LogFilePrefix": "logs/"},
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
    "Tags": [{"Key": "tenant", "Value": "acme"}],
    "VersioningConfiguration": {"Status": "Enabled"},
}


def test_a_bucket_holds_its_properties_and_loses_them(stacks: Stacks) -> None:
    """Every property is readable through the S3 API, and gone when the template drops it."""
    name, _ = stacks.deploy(bucket("props", **PROPERTIES))
    s3 = stacks.client("s3")
    encryption = s3.get_bucket_encryption(Bucket="props")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}
    assert encryption["BucketKeyEnabled"] is True
    raw, everything, tagged = s3.get_bucket_lifecycle_configuration(Bucket="props")["Rules"]
    assert (raw["ID"], raw["Filter"], raw["Expiration"]["Days"]) == ("raw", {"Prefix": "raw/"}, 30)
    assert everything["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
    assert everything["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
    assert everything["Transitions"] == [{"Days": 90, "StorageClass": "GLACIER"}]
    assert (tagged["Status"], tagged["Filter"]) == ("Disabled", {"Tag": {"Key": "a", "Value": "b"}})
    logging = s3.get_bucket_logging(Bucket="props")["LoggingEnabled"]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == ("props", "logs/")
    ownership = s3.get_bucket_ownership_controls(Bucket="props")["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    blocked = s3.get_public_access_block(Bucket="props")["PublicAccessBlockConfiguration"]
    assert (blocked["BlockPublicAcls"], blocked["RestrictPublicBuckets"]) == (True, False)
    assert {"Key": "tenant", "Value": "acme"} in s3.get_bucket_tagging(Bucket="props")["TagSet"]
    assert s3.get_bucket_versioning(Bucket="props")["Status"] == "Enabled"

    stacks.deploy(bucket("props"), stack=name)
    encryption = s3.get_bucket_encryption(Bucket="props")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket="props")
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="props")
    assert s3.get_bucket_versioning(Bucket="props")["Status"] == "Suspended"
    assert "tenant" not in {tag["Key"] for tag in s3.get_bucket_tagging(Bucket="props")["TagSet"]}


def test_notifications_are_applied(stacks: Stacks) -> None:
    """CloudFormation's own NotificationConfiguration needs no custom resource."""
    resources: dict[str, Any] = {"Queue": {"Type": "AWS::SQS::Queue"}}
    rules = [{"Name": "prefix", "Value": "raw/"}]
    to_queue = {
        "Event": "s3:ObjectCreated:*",
        "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
        "Filter": {"S3Key": {"Rules": rules}},
    }
    resources |= bucket("notified", NotificationConfiguration={"QueueConfigurations": [to_queue]})
    stacks.deploy(resources)
    found = stacks.client("s3").get_bucket_notification_configuration(Bucket="notified")["QueueConfigurations"][0]
    assert found["Events"] == ["s3:ObjectCreated:*"]
    assert found["Filter"]["Key"]["FilterRules"][0]["Value"] == "raw/"


def test_a_bucket_that_holds_objects_is_not_deleted(stacks: Stacks) -> None:
    """CloudFormation deletes no data: the stack fails to go until the bucket is empty."""
    name, _ = stacks.deploy(bucket("holding"))
    s3 = stacks.client("s3")
    s3.put_object(Bucket="holding", Key="x", Body=b"x")
    with pytest.raises(AssertionError, match="BucketNotEmpty"):
        stacks.delete(name)
    s3.delete_object(Bucket="holding", Key="x")
    stacks.delete(name)


def test_a_retained_bucket_stays_with_its_objects(stacks: Stacks) -> None:
    """DeletionPolicy Retain is honoured."""
    resources = bucket("retained")
    resources["Bucket"]["DeletionPolicy"] = "Retain"
    name, _ = stacks.deploy(resources)
    s3 = stacks.client("s3")
    s3.put_object(Bucket="retained", Key="x", Body=b"x")
    stacks.delete(name)
    assert s3.get_object(Bucket="retained", Key="x")["Body"].read() == b"x"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"BucketEncryptions": {}}, "extraneous key [BucketEncryptions]"),
        ({"ObjectLockEnabled": True}, "ObjectLockEnabled is not emulated"),
        (
            {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}]
                }
            },
            "MalformedXML",
        ),
    ],
    ids=["spelling", "not-emulated", "algorithm"],
)
def test_bad_properties_are_refused(stacks: Stacks, more: dict[str, Any], reason: str) -> None:
    """A refused bucket leaves nothing behind."""
    assert reason in stacks.refusal(bucket("refused", **more))
    found = [each["Name"] for each in stacks.client("s3").list_buckets()["Buckets"]]
    assert "refused" not in found


EXPIRES: dict[str, Any] = {"Status": "Enabled", "ExpirationInDays": 30}
MARKER: dict[str, Any] = {
    "Status": "Enabled",
    "ExpiredObjectDeleteMarker": True,
    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
}


def test_lifecycle_rules_that_aws_takes_are_taken(stacks: Stacks) -> None:
    """Days for a prefix beside delete markers and noncurrent versions of the whole bucket, as S3's examples have it."""
    rules = [
        {**EXPIRES, "Id": "raw", "Prefix": "raw/"},
        {**EXPIRES, "Id": "clean", "Prefix": "clean/", "NoncurrentVersionExpiration": {"NoncurrentDays": 2}},
        {**MARKER, "Id": "all", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {
            "Id": "cold",
            "Status": "Enabled",
            "Prefix": "cold/",
            "Transition": {"StorageClass": "STANDARD_IA", "TransitionInDays": 30},
            "NoncurrentVersionTransitions": [
                {"StorageClass": "GLACIER", "TransitionInDays": 1, "NewerNoncurrentVersions": 3}
            ],
        },
    ]
    stacks.deploy(bucket("lifecycle", LifecycleConfiguration={"Rules": rules}))
    s3 = stacks.client("s3")
    found = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket="lifecycle")["Rules"]}
    assert found["all"]["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert found["all"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert found["clean"]["Expiration"] == {"Days": 30}
    assert found["clean"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 2}
    assert found["cold"]["Transitions"] == [{"StorageClass": "STANDARD_IA", "Days": 30}]
    assert found["cold"]["NoncurrentVersionTransitions"][0]["NewerNoncurrentVersions"] == 3
    # S3 itself takes the marker alone, which CloudFormation does not.
    alone = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"ExpiredObjectDeleteMarker": True}}
    s3.put_bucket_lifecycle_configuration(Bucket="lifecycle", LifecycleConfiguration={"Rules": [alone]})


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([{**MARKER, "ExpirationInDays": 30}], "MalformedXML"),
        ([{**MARKER, "ExpirationDate": "2030-01-01T00:00:00Z"}], "MalformedXML"),
        ([{**MARKER, "TagFilters": [{"Key": "a", "Value": "b"}]}], "ExpiredObjectDeleteMarker"),
        ([{**MARKER, "ObjectSizeGreaterThan": 5}], "ExpiredObjectDeleteMarker"),
        ([{"Status": "Enabled", "ExpiredObjectDeleteMarker": True}], "At least one of ["),
        ([{"Status": "Enabled", "Prefix": "raw/"}], "At least one of ["),
        ([{**EXPIRES, "ExpirationInDays": 0}], "must be a positive integer"),
        ([{**EXPIRES, "ExpirationInDays": -1}], "must be a positive integer"),
        ([{**MARKER, "NoncurrentVersionExpiration": {"NoncurrentDays": 0}}], "must be a positive integer"),
        ([{**MARKER, "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 2}}], "MalformedXML"),
        (
            [{**MARKER, "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}}],
            "NewerNoncurrentVersions",
        ),
        (
            [{**EXPIRES, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}}],
            "must be a positive integer",
        ),
        (
            [
                {
                    **EXPIRES,
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    "TagFilters": [{"Key": "a", "Value": "b"}],
                }
            ],
            "AbortIncompleteMultipartUpload",
        ),
        ([{**EXPIRES, "Id": "one"}, {**MARKER, "Id": "one"}], "Rule ID must be unique"),
        ([{**EXPIRES, "Id": "x" * 256}], "ID length"),
        ([{**EXPIRES, "Status": "On"}], "MalformedXML"),
        (
            [{**EXPIRES, "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}]}],
            "must be greater than 'Days' in the Transition action",
        ),
        (
            [{**EXPIRES, "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 29}]}],
            "greater than or equal to 30",
        ),
        ([{"Status": "Enabled", "ExpirationDate": "2030-01-01T10:00:00Z"}], "midnight"),
        ([], "MalformedXML"),
    ],
)
def test_lifecycle_rules_that_aws_refuses_are_refused(stacks: Stacks, rules: list[dict[str, Any]], reason: str) -> None:
    """A template that could not be deployed fails here as well, and leaves no bucket behind."""
    assert reason in stacks.refusal(bucket("unlifely", LifecycleConfiguration={"Rules": rules}))
    assert "unlifely" not in [each["Name"] for each in stacks.client("s3").list_buckets()["Buckets"]]


def test_kms_without_a_key_is_the_accounts_own(stacks: Stacks) -> None:
    """A write that names no key takes `aws/s3`; the CDK publishes its assets like that."""
    stacks.deploy(bucket("ownkey"))
    s3 = stacks.client("s3")
    s3.put_object(Bucket="ownkey", Key="x", Body=b"x", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket="ownkey", Key="x")["SSEKMSKeyId"].endswith(":alias/aws/s3")
    s3.delete_object(Bucket="ownkey", Key="x")


def test_access_logs_are_written_where_the_policy_lets_s3(stacks: Stacks) -> None:
    """One object for every five requests, below the prefix; the bucket that holds them is not deleted then."""
    log = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::access-logs/*",
            }
        ],
    }
    logging = {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "mail/"}
    unlet = {"DestinationBucketName": {"Ref": "Other"}, "LogFilePrefix": "mail/"}
    name, _ = stacks.deploy(
        {
            "Logs": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "access-logs"}},
            "Other": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "no-access-logs"}},
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {"Bucket": {"Ref": "Logs"}, "PolicyDocument": log},
            },
            "Mail": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": "logged", "LoggingConfiguration": logging},
            },
            "Unlet": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": "not-logged", "LoggingConfiguration": unlet},
            },
        }
    )
    s3 = stacks.client("s3")
    for _ in range(10):
        s3.list_objects_v2(Bucket="logged")
        s3.list_objects_v2(Bucket="not-logged")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="access-logs")["Contents"]]
    assert len(keys) in {2, 3}
    assert all(key.startswith("mail/2") for key in keys)
    assert s3.get_object(Bucket="access-logs", Key=keys[0])["Body"].read().startswith(b"GET /logged/ 200")
    assert "Contents" not in s3.list_objects_v2(Bucket="no-access-logs")
    with pytest.raises(AssertionError, match="not empty"):
        stacks.delete(name)
    for key in keys:
        s3.delete_object(Bucket="access-logs", Key=key)
    stacks.delete(name)
