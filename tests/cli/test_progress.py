"""The CDK CLI's lines as progress."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from email_stack.cli.progress import StackProgress

LINES = [
    "Tenant-acme: deploying... [1/1]",
    "Tenant-acme |  4/13 | 8:11:15 AM | CREATE_IN_PROGRESS      | AWS::S3::Bucket              | Subdomain/Inbox (x)",
    "Tenant-acme | 13/13 | 8:11:15 AM | CREATE_COMPLETE         | AWS::CloudFormation::Stack   | Tenant-acme ",
    " ✅  Tenant-acme",
    "Tenant-globex |  2 | 8:11:15 AM | DELETE_COMPLETE | AWS::SES::ReceiptRule | Subdomain/Inbox/Rule0 (y)",
    " ✅  Tenant-globex: destroyed",
    "Outputs:",
]


@pytest.mark.parametrize("terminal", [False, True])
def test_finished_stacks_stay_on_the_screen(terminal: bool) -> None:
    """A line for each stack that is done; in a terminal, a bar with counts until then."""
    screen = io.StringIO()
    with StackProgress(Console(file=screen, force_terminal=terminal, width=120)) as progress:
        for line in LINES:
            progress.line(line)
            progress._progress.refresh()
    shown = screen.getvalue()
    assert "✅ Tenant-acme" in shown
    assert "✅ Tenant-globex: destroyed" in shown
    assert "Outputs" not in shown
    assert ("4/13" in shown) is terminal
