"""The bootstrap that doctor asks for is the one that the templates ask for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from email_stack.doctor.judge import BOOTSTRAP_VERSION
from email_stack.doctor.reads import BOOTSTRAP_PARAMETER

pytestmark = pytest.mark.slow


def test_version_and_parameter(assembly: Path) -> None:
    """Every template reads the parameter, and refuses what is older than the version."""
    templates = [json.loads(path.read_text()) for path in assembly.glob("*.template.json")]
    assert templates
    for template in templates:
        assert template["Parameters"]["BootstrapVersion"]["Default"] == BOOTSTRAP_PARAMETER
        said = json.dumps(template["Rules"]["CheckBootstrapVersion"])
        assert re.findall(r"stack version (\d+) required", said) == [str(BOOTSTRAP_VERSION)]
    manifest = json.loads((assembly / "manifest.json").read_text())
    asked = [
        properties["requiresBootstrapStackVersion"]
        for artifact in manifest["artifacts"].values()
        if "requiresBootstrapStackVersion" in (properties := artifact.get("properties", {}))
    ]
    assert max(asked) == BOOTSTRAP_VERSION
