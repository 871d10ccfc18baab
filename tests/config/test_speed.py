"""A config is checked in a blink, and without the CDK."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.config.configs import config_of

TENANT = """  - id: t{number}
    subdomain: post.t{number}.example
    addresses: [support, sales, {{local_part: news, receive: false}}]
    dmarc: {{policy: reject, rua: [dmarc@t{number}.example]}}
    alerts: [ops@t{number}.example]
    tags: {{environment: production}}
"""


@pytest.mark.thorough
def test_a_thousand_tenants_load_within_half_a_second(tmp_path: Path) -> None:
    """Of processor time; the best of three, for machines that do other things as well."""
    quotas = "{receipt_rules: 2000, event_rules: 3000, hosted_zones: 2000, iam_roles: 5000, alarms: 6000}"
    text = f"cells: {{eu: {{region: eu-central-1, quotas: {quotas}}}}}\ntenants:\n"
    text += "".join(TENANT.format(number=number) for number in range(1000))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        assert len(config_of(tmp_path, text).tenants) == 1000
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5


def test_checking_a_config_loads_neither_cdk_nor_aws_sdk() -> None:
    """The CDK takes seconds and starts Node."""
    code = (
        "import sys; import email_stack.config; "
        "print(*sorted({'aws_cdk', 'constructs', 'jsii', 'boto3', 'botocore', 'idna', 'publicsuffixlist'} "
        "& sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
