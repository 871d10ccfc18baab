"""The settings API: an HTTP API, and the function that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sns as sns
from constructs import Construct

from constructs_lib.alarms import Threshold, add_alarm
from constructs_lib.event_bus import allow_publishing_events
from constructs_lib.intrinsics import arn
from constructs_lib.keys import uses
from constructs_lib.roles import role_for_sessions
from email_stack.config.control import API_REQUESTS_A_SECOND, Control, ControlDomain
from email_stack.stacks.control_functions import ControlFunction, ControlFunctionProps, log_group_of
from email_stack.stacks.control_roles import organization_session
from mailroom.settings.keys import ORGANIZATION_TAG

__all__ = ["SettingsApi", "SettingsApiProps"]

_TIMEOUT_SECONDS: Final = 29
"""An HTTP API waits for 30. Source: API Gateway developer guide, "Quotas for HTTP APIs"."""
_MEMORY_MIB: Final = 1024
_BURST: Final = 2 * API_REQUESTS_A_SECOND
_METHODS: Final = ("DELETE", "GET", "POST", "PUT")
_TAKEN_HEADERS: Final = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "x-correlation-id",
    "x-epilot-org-id",
)
_SHOWN_HEADERS: Final = ("etag", "retry-after", "www-authenticate", "x-correlation-id")
_PREFLIGHT_SECONDS: Final = 3600
_LOGGED: Final = {"id": "$context.requestId", "method": "$context.httpMethod", "status": "$context.status"}
"""No path, query or address of a client: they hold customers' input or identify them."""
_OPEN: Final = "GET /openapi.json"
_STAGE: Final = "$default"


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsApiProps:
    """Props of `SettingsApi`.

    Args:
        cell: id of the cell.
        control: the issuer of its users' tokens.
        table_name: of the table of settings; likewise `table_arn`.
        image: of target `functions`.
        alarm_topic: receives the alarms.
        encryption_key: of log groups; sessions may use it for the table. Default: None, AWS's own.
    """

    cell: str
    control: Control
    table_name: str
    table_arn: str
    image: ecr_assets.DockerImageAsset
    alarm_topic: sns.ITopic
    encryption_key: kms.IKey | None = None


class SettingsApi(Construct):
    """The HTTP API for customers; each request uses a session of its organisation.

    Creates 1 HTTP API (a default route, a route /openapi.json, 50 requests a second), 1 function with role and log group, 1 role
    that it assumes for one organisation at a time, 1 access log group and 2 alarms; with `authorizer: gateway` 1 JWT authorizer;
    with `domain` 1 domain name, 1 mapping, and in a zone of ours 1 alias record. Holds no state.

    API Gateway answers the preflight requests of browsers for the allowed origins, and adds CORS headers to all answers, its own
    ones included; without allowed origins there are none.

    Source: API Gateway developer guide, "Controlling and managing access to HTTP APIs with JWT authorizers": RSA signatures only;
    "Configuring CORS for HTTP APIs"; "Custom domain names for HTTP APIs".
    """

    def __init__(self, scope: Construct, id: str, props: SettingsApiProps) -> None:
        super().__init__(scope, id)
        key = props.encryption_key
        sessions_name = "SETTINGS_ROLE_ARN"
        answering = ControlFunction(
            self,
            "Answering",
            ControlFunctionProps(
                description=f"Answers the settings API of cell {props.cell}",
                image=props.image,
                handler="email_stack.settings.function.handler",
                environment={
                    "SETTINGS_TABLE": props.table_name,
                    "SETTINGS_ISSUER": props.control.issuer,
                    "SETTINGS_AUDIENCE": props.control.audience,
                    "SETTINGS_ORGANIZATION_CLAIM": props.control.organization_claim,
                },
                statements=[allow_publishing_events()],
                failing_description="The settings API failed: see its function's log.",
                timeout_seconds=_TIMEOUT_SECONDS,
                memory_mib=_MEMORY_MIB,
                alarm_topic=props.alarm_topic,
                encryption_key=key,
            ),
        )
        statements = [*organization_session(props.table_arn), *uses(key, "dynamodb")]
        sessions = role_for_sessions(self, "Sessions", answering.role, statements, tag=ORGANIZATION_TAG)
        answering.function.add_property_override(f"Environment.Variables.{sessions_name}", sessions.attr_arn)
        api = self._gateway(props, answering.function)
        self.url: str = api.attr_api_endpoint
        self.domain_target: str | None = None
        if (domain := props.control.domain) is not None:
            self.url = f"https://{domain.domain_name}"
            self.domain_target = self._named(domain, api)
        failing = Threshold(
            namespace="AWS/ApiGateway",
            metric="5xx",
            dimension=("ApiId", api.ref),
            statistic="Sum",
            above=0,
            description="The settings API answered a request with 5xx: see its function's log.",
        )
        add_alarm(self, "Answers5xx", failing, props.alarm_topic)

    def _gateway(self, props: SettingsApiProps, function: lambda_.CfnFunction) -> gateway.CfnApi:
        api = gateway.CfnApi(
            self,
            "Api",
            name=f"E-mail settings {props.cell}",
            protocol_type="HTTP",
            cors_configuration=_cors(props.control.allowed_origins),
        )
        integration = gateway.CfnIntegration(
            self,
            "Integration",
            api_id=api.ref,
            integration_type="AWS_PROXY",
            integration_uri=function.attr_arn,
            payload_format_version="2.0",
        )
        target = f"integrations/{integration.ref}"
        authorized = self._authorized(props.control, api)
        route = gateway.CfnRoute(self, "All", api_id=api.ref, route_key="$default", target=target, **authorized)
        public = gateway.CfnRoute(
            self, "OpenApi", api_id=api.ref, route_key=_OPEN, target=target, authorization_type="NONE"
        )
        acknowledged = {public: "the API's description is public"}
        if not authorized:
            acknowledged[route] = "the function judges tokens itself, and the gateway knows RSA signatures alone"
        for one, reason in acknowledged.items():
            cdk.Validations.of(one).acknowledge(cdk.Acknowledgment(id="AwsSolutions-APIG4", reason=reason))
        accesses = log_group_of(self, "Accesses", props.encryption_key)
        self._stage = gateway.CfnStage(
            self,
            "Stage",
            api_id=api.ref,
            stage_name=_STAGE,
            auto_deploy=True,
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_burst_limit=_BURST, throttling_rate_limit=API_REQUESTS_A_SECOND
            ),
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=accesses.attr_arn,
                format=cdk.Stack.of(self).to_json_string(_LOGGED),
            ),
        )
        lambda_.CfnPermission(
            self,
            "LetApiCall",
            action="lambda:InvokeFunction",
            function_name=function.ref,
            principal="apigateway.amazonaws.com",
            source_arn=arn("execute-api", f"{api.ref}/*"),
        )
        return api

    def _named(self, domain: ControlDomain, api: gateway.CfnApi) -> str:
        """Let the API answer under a domain name of ours; returns the target of the name's CNAME."""
        name = gateway.CfnDomainName(
            self,
            "Domain",
            domain_name=domain.domain_name,
            domain_name_configurations=[
                gateway.CfnDomainName.DomainNameConfigurationProperty(
                    certificate_arn=domain.certificate_arn, endpoint_type="REGIONAL", security_policy="TLS_1_2"
                )
            ],
        )
        mapping = gateway.CfnApiMapping(self, "Mapping", api_id=api.ref, domain_name=name.ref, stage=_STAGE)
        # The stage's name is no reference to it.
        mapping.add_dependency(self._stage)
        if domain.hosted_zone_id is not None:
            route53.CfnRecordSet(
                self,
                "Alias",
                hosted_zone_id=domain.hosted_zone_id,
                name=domain.domain_name,
                type="A",
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=name.attr_regional_domain_name,
                    hosted_zone_id=name.attr_regional_hosted_zone_id,
                    evaluate_target_health=False,
                ),
            )
        return name.attr_regional_domain_name

    def _authorized(self, control: Control, api: gateway.CfnApi) -> dict[str, Any]:
        """Authorization properties of the routes; {} where only the function checks tokens."""
        if control.authorizer == "function":
            return {}
        authorizer = gateway.CfnAuthorizer(
            self,
            "Tokens",
            api_id=api.ref,
            authorizer_type="JWT",
            name="tokens",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=gateway.CfnAuthorizer.JWTConfigurationProperty(
                issuer=control.issuer, audience=[control.audience]
            ),
        )
        return {"authorization_type": "JWT", "authorizer_id": authorizer.ref}


def _cors(origins: Sequence[str]) -> gateway.CfnApi.CorsProperty | None:
    if not origins:
        return None
    return gateway.CfnApi.CorsProperty(
        allow_origins=list(origins),
        allow_methods=list(_METHODS),
        allow_headers=list(_TAKEN_HEADERS),
        expose_headers=list(_SHOWN_HEADERS),
        # Tokens are sent in a header, never in a cookie.
        allow_credentials=False,
        max_age=_PREFLIGHT_SECONDS,
    )
