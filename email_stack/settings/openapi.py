"""The API's OpenAPI 3.1 document: `python -m email_stack.settings.openapi` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, cast

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, Server

from email_stack.settings.api import resolver
from email_stack.settings.service import Service

__all__ = ["PATH", "document", "published"]

PATH: Final = Path(__file__).with_name("openapi.json")
_VERSION: Final = "1.0.0"
_LINKS: Final = (
    ("addEmailAddress", "201", ("getEmailAddress", "updateEmailAddress", "deleteEmailAddress")),
    ("addSetting", "200", ("updateSetting",)),
)
"""Operations, each with the operations that take the id of its answer."""


def document() -> str:
    """The document of the present routes."""
    # No route runs, so none needs the service.
    app = resolver(cast("Service", None))
    found: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title="E-mail settings",
            version=_VERSION,
            openapi_version="3.1.0",
            description="Domains, addresses and signatures of an organisation. Errors are problem details (RFC 9457).",
            servers=[Server(url="/")],
            security_schemes={"bearer": HTTPBearer(bearerFormat="JWT")},
            security=[{"bearer": []}],
        )
    )
    shared = found["components"].setdefault("responses", {})
    for operations in found["paths"].values():
        for operation in operations.values():
            # Invalid requests are 400 here, not 422.
            operation["responses"].pop("422", None)
            operation["responses"].get("204", {}).pop("content", None)
            for status, answer in operation["responses"].items():
                if status >= "400":
                    shared[status] = answer
                    operation["responses"][status] = {"$ref": f"#/components/responses/{status}"}
    for operation, status, followers in _LINKS:
        answer = _operation(found, operation)["responses"][status]
        answer["links"] = {
            follower: {"operationId": follower, "parameters": {"id": "$response.body#/id"}} for follower in followers
        }
    for unused in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        found["components"]["schemas"].pop(unused, None)
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _operation(found: dict[str, Any], name: str) -> dict[str, Any]:
    operations = (one for path in found["paths"].values() for one in path.values())
    return next(one for one in operations if one["operationId"] == name)


def published() -> str:
    """The committed document, which is served."""
    return PATH.read_text(encoding="utf-8")


def main() -> None:
    """Write the document."""
    PATH.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
