"""The CDK's own check of templates, which compiles an engine of 9 MB in every process that synthesizes."""

from __future__ import annotations

from typing import Final

__all__ = ["NO_VALIDATION"]

NO_VALIDATION: Final = {"CDK_VALIDATION": "false"}
"""Environment of a process whose templates are checked elsewhere: 3.5 s of processor time for a synthesis instead of 9.5.

`tests/stacks/test_synthesis.py` has every kind of template checked as a user does, `tests/e2e/test_tenant_life.py` one deployment.
"""
