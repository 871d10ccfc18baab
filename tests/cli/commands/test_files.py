"""Each command has a file of its name."""

from __future__ import annotations

from pathlib import Path

from email_stack.cli import commands
from email_stack.cli.main import app

FOLDER = Path(commands.__file__).parent


def test_each_command_has_a_file_of_its_name() -> None:
    """What a user types is the name of the file; a file holds one command, or all of one group."""
    files = {}
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.replace("_", "-")
        files[name] = Path(command.callback.__code__.co_filename)
    for group in app.registered_groups:
        assert group.name is not None
        assert group.typer_instance is not None
        (files[group.name],) = {
            Path(one.callback.__code__.co_filename)
            for one in group.typer_instance.registered_commands
            if one.callback is not None
        }
    assert files == {name: FOLDER / f"{name.replace('-', '_')}.py" for name in files}
    assert {path for path in FOLDER.glob("*.py") if path.name != "__init__.py"} == set(files.values())
