"""validate: checks the config, and changes nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from email_stack.cli.options import DEFAULT_CONFIG, AsJson, ConfigPath
from email_stack.cli.output import CommandError, ExitCode, console, errors, print_json
from email_stack.config import ConfigError, Problem, load
from email_stack.config.regions import DOUBTFUL_REGIONS
from email_stack.output.printable import counted

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(validate)


def validate(config: ConfigPath = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check the config, and report every problem at once and every doubtful region."""
    try:
        loaded = load(config)
    except ConfigError as error:
        if as_json:
            print_json({"ok": False, "problems": [_problem(problem) for problem in error.problems]})
            raise typer.Exit(ExitCode.INVALID) from None
        count = len(error.problems)
        title = f"{config} is not valid: {counted(count, 'problem')}"
        raise CommandError(title, str(error), ExitCode.INVALID) from None
    warnings = [
        f'{config}: cell "{cell.id}": region {cell.region} is doubtful: {DOUBTFUL_REGIONS[cell.region]}'
        for cell in loaded.cells
        if cell.region in DOUBTFUL_REGIONS
    ]
    if as_json:
        found: dict[str, Any] = {"ok": True, "cells": len(loaded.cells), "tenants": len(loaded.tenants)}
        print_json({**found, "warnings": warnings} if warnings else found)
    else:
        for warning in warnings:
            errors.print(f"warning: {warning}", markup=False, soft_wrap=True)
        console.print(
            f"{config} is valid: {counted(len(loaded.tenants), 'tenant')} in {counted(len(loaded.cells), 'cell')}",
            markup=False,
        )


def _problem(problem: Problem) -> dict[str, Any]:
    return asdict(problem)
