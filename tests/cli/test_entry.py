"""The script `email-stack`: where the command line's libraries are missing, and what its start loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from email_stack.cli.output import ExitCode
from email_stack.synthesis.toolchain import PROJECT_ROOT


def run_without(module: str) -> subprocess.CompletedProcess[str]:
    """Run the script's entry in a process that cannot import `module`."""
    code = f"import sys; sys.modules[{module!r}] = None; from email_stack import entry; entry.main()"
    return subprocess.run([sys.executable, "-c", code, "list"], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("library", ["typer", "rich", "yaml"])
def test_missing_library_names_the_extra(library: str) -> None:
    """One line, and the exit code of a tool that is missing."""
    done = run_without(library)
    assert done.returncode == ExitCode.NOT_INSTALLED
    (line,) = done.stderr.splitlines()
    assert f'"{library}"' in line
    assert '[platform]"' in line


def test_module_of_ours_that_is_missing_is_an_error() -> None:
    """A broken installation is not taken for a missing library."""
    done = run_without("email_stack.cli.output")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_commands_start_without_what_few_of_them_use() -> None:
    """Neither the help nor a check of the config loads the AWS SDK, dnspython, the CDK, the parser or the scanner."""
    heavy = {
        "aws_cdk",
        "boto3",
        "botocore",
        "dns",
        "jinja2",
        "jsii",
        "mailroom.messages",
        "mailroom.scanning.extracted_parts",
    }
    code = (
        "import sys; from email_stack.entry import main\n"
        "for command in ('--help', 'validate', 'list'):\n"
        "    sys.argv = ['email-stack', command]\n"
        "    try: main()\n"
        "    except SystemExit as end: assert not end.code\n"
        f"print(sorted({heavy!r} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert all(said in done.stdout for said in ("Exit codes", "tenants.yaml is valid", "hosted_zones"))
