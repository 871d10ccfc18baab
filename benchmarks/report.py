"""The table and the plot of `benchmarks.synth`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl

from email_stack.synthesis.toolchain import PROJECT_ROOT

mpl.use("Agg")
import matplotlib.pyplot as plt

__all__ = ["Figure", "write"]

FOLDER: Final = PROJECT_ROOT / "docs" / "benchmarks"
OURS, ALONE, SELECTED = "platform", "platform, one alone", "platform, one selected"
PYTHON, TYPESCRIPT = "plain Python", "plain TypeScript"
COLORS: Final = {OURS: "#1b5e9b", ALONE: "#b9d4ea", SELECTED: "#6aa5d8", PYTHON: "#c77f1a", TYPESCRIPT: "#7a7a7a"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """Wall time of one synthesis, and how many resources its templates hold."""

    seconds: float
    resources: int

    @property
    def milliseconds_a_resource(self) -> float:
        """Wall time divided by resources."""
        return self.seconds / self.resources * 1000


def write(measured: Mapping[str, Mapping[int, Figure]], *, machine: str) -> None:
    """Print the tables and write them, with the plot, to docs/benchmarks."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = _tables(measured, machine)
    print(text)
    (FOLDER / "synth.md").write_text(text, encoding="utf-8")
    _plot(measured)


def _tables(measured: Mapping[str, Mapping[int, Figure]], machine: str) -> str:
    sizes = sorted(measured[OURS])
    lines = [
        "# Synthesis",
        "",
        f"Written by `make bench` on {machine}. Each figure is the best wall time of a fresh process, contestants taking turns.",
        "",
        "| tenants | platform | one alone | one selected of them | plain Python | plain TypeScript |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for size in sizes:
        seconds = [f"{measured[name][size].seconds:.2f} s" for name in (OURS, ALONE, SELECTED, PYTHON, TYPESCRIPT)]
        lines.append(f"| {size:,} | {' | '.join(seconds)} |")
    lines += [
        "",
        "| tenants | to plain Python, whole | a resource | to TypeScript, whole | a resource | one selected to one alone |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for size in sizes:
        ours = measured[OURS][size]
        ratios = []
        for other in (measured[PYTHON][size], measured[TYPESCRIPT][size]):
            ratios.append(f"{ours.seconds / other.seconds:.2f}x")
            ratios.append(f"{ours.milliseconds_a_resource / other.milliseconds_a_resource:.2f}x")
        alone = f"{measured[SELECTED][size].seconds / measured[ALONE][size].seconds:.2f}x"
        lines.append(f"| {size:,} | {' | '.join(ratios)} | {alone} |")
    counts = ", ".join(f"{name} {measured[name][sizes[-1]].resources:,}" for name in (OURS, PYTHON, TYPESCRIPT))
    lines += [
        "",
        f"Resources of {sizes[-1]:,} tenants: {counts}. The platform writes a subdomain's eight record sets as one group, the",
        "plain apps one by one; either way each record set is counted. Its cells have scanner and mirror besides, some thirty",
        "resources that the plain apps lack, which is most of the difference for few tenants. A ratio below 1 is faster.",
        "",
        "![wall time by number of tenants](synth.png)",
        "",
    ]
    return "\n".join(lines)


def _plot(measured: Mapping[str, Mapping[int, Figure]]) -> None:
    figure, axes = plt.subplots(figsize=(7.2, 4.2), dpi=120)
    for name, figures in measured.items():
        sizes = sorted(figures)
        axes.plot(sizes, [figures[size].seconds for size in sizes], marker="o", label=name, color=COLORS[name])
    axes.set(xscale="log", yscale="log", xlabel="tenants in the config", ylabel="wall time, seconds")
    axes.set_title("Synthesis, from start to written templates", loc="left")
    axes.set_xticks(sorted(measured[OURS]), [f"{size:,}" for size in sorted(measured[OURS])])
    axes.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    axes.minorticks_off()
    axes.grid(visible=True, color="#dddddd")
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(FOLDER / "synth.png")
