"""Templates as if they were deployed: every reference an ARN or a name, and every role with all of its policies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.iam.evaluator import ACCOUNT

__all__ = ["Bucket", "Deployment", "Role", "stack_id"]

REGION = "eu-central-1"
_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
}
_REF_IS_ARN = {"AWS::SNS::Topic"}
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass(frozen=True)
class Role:
    """One role of a template."""

    stack: str
    logical_id: str
    arn: str
    trust: Mapping[str, Any]
    policies: tuple[Mapping[str, Any], ...]
    managed: tuple[str, ...]

    @property
    def session(self) -> str:
        """ARN of a session of it."""
        return f"{self.arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/session"


@dataclass(frozen=True)
class Bucket:
    """One bucket of a template, and its policy."""

    stack: str
    logical_id: str
    arn: str
    policy: Mapping[str, Any]


@dataclass(frozen=True)
class Deployment:
    """Stacks of one account and region, by name."""

    templates: Mapping[str, Mapping[str, Any]]

    @cached_property
    def roles(self) -> list[Role]:
        """Every role, with the policies inside it and those attached to it."""
        return [
            Role(
                stack=stack,
                logical_id=logical_id,
                arn=self._get_att(stack, logical_id, "Arn"),
                trust=self._resolved(stack, properties["AssumeRolePolicyDocument"]),
                policies=tuple(self._policies(stack, logical_id, properties)),
                managed=tuple(json.dumps(one) for one in properties.get("ManagedPolicyArns", [])),
            )
            for stack, logical_id, properties in self._of_type("AWS::IAM::Role")
        ]

    @cached_property
    def buckets(self) -> list[Bucket]:
        """Every bucket that has a policy."""
        return [
            Bucket(
                stack=stack,
                logical_id=properties["Bucket"]["Ref"],
                arn=self._get_att(stack, properties["Bucket"]["Ref"], "Arn"),
                policy=self._resolved(stack, properties["PolicyDocument"]),
            )
            for stack, _logical_id, properties in self._of_type("AWS::S3::BucketPolicy")
        ]

    def resource(self, stack: str, logical_id: str) -> dict[str, Any]:
        """Properties of one resource, resolved."""
        resolved: dict[str, Any] = self._resolved(stack, self.templates[stack]["Resources"][logical_id]["Properties"])
        return resolved

    def of_type(self, type_: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Stack, ARN and properties of each resource of a type. Whoever asks changes none of them."""
        if type_ not in self._found:
            self._found[type_] = [
                (stack, self._get_att(stack, logical_id, "Arn"), self._resolved(stack, properties))
                for stack, logical_id, properties in self._of_type(type_)
            ]
        return self._found[type_]

    @cached_property
    def _found(self) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
        """By type: templates stay as they are."""
        return {}

    def _of_type(self, type_: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for stack, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == type_:
                    yield stack, logical_id, resource.get("Properties", {})

    def _policies(self, stack: str, role: str, properties: Mapping[str, Any]) -> Iterator[Any]:
        for inline in properties.get("Policies", []):
            yield self._resolved(stack, inline["PolicyDocument"])
        for type_ in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for owner, _logical_id, attached in self._of_type(type_):
                if owner == stack and {"Ref": role} in attached.get("Roles", []):
                    yield self._resolved(stack, attached["PolicyDocument"])

    def _resolved(self, stack: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(stack, one) for one in value]
        if not isinstance(value, dict):
            return value
        intrinsic = self._intrinsic(stack, value)
        return intrinsic if intrinsic is not None else {key: self._resolved(stack, one) for key, one in value.items()}

    def _intrinsic(self, stack: str, value: dict[str, Any]) -> Any:
        """The result of CloudFormation's function; None for other values."""
        answer: Any = None
        match value:
            case {"Ref": name}:
                answer = _PSEUDO.get(name) or (stack_id(stack) if name == "AWS::StackId" else self._ref(stack, name))
            case {"Fn::GetAtt": [logical_id, attribute]}:
                answer = self._get_att(stack, logical_id, attribute)
            case {"Fn::Join": [separator, parts]}:
                answer = separator.join(self._resolved(stack, part) for part in parts)
            case {"Fn::ImportValue": name}:
                answer = self._imported(self._resolved(stack, name))
            case {"Fn::Sub": str(text)}:
                answer = re.sub(r"\$\{([^}]+)\}", lambda match: _PSEUDO[match[1]], text)
        return answer

    def _ref(self, stack: str, logical_id: str) -> str:
        type_ = self.templates[stack]["Resources"][logical_id]["Type"]
        return self._get_att(stack, logical_id, "Arn") if type_ in _REF_IS_ARN else _name(stack, logical_id)

    def _get_att(self, stack: str, logical_id: str, attribute: str) -> str:
        type_ = self.templates[stack]["Resources"][logical_id]["Type"]
        if attribute == "Arn" and type_ in _ARNS:
            return _ARNS[type_].format(_name(stack, logical_id))
        return f"{_name(stack, logical_id)}.{attribute}".lower()

    def _imported(self, name: str) -> Any:
        for stack, template in self.templates.items():
            for output in template.get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == name:
                    return self._resolved(stack, output["Value"])
        raise KeyError(f"no stack exports {name}")


def stack_id(stack: str) -> str:
    """Id of a deployed stack."""
    return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/{stack.encode().hex()}"


def _name(stack: str, logical_id: str) -> str:
    return f"{stack}-{logical_id}".lower()
