"""The page in Chromium: what it shows, what it asks for, and what strangers' text does to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from email_stack.status.model import CellStatus, Check, Part, QueueCount, Snapshot, State, TenantStatus
from email_stack.status.page import render_page
from tests.browser import contrasts, listening, running_browser, shared_page
from tests.status.samples import HOSTILE, NOW, cell, mixed, tenant


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this file."""
    with running_browser() as running:
        yield running


@contextmanager
def shown(
    browser: Browser, folder: Path, snapshot: Snapshot, *, width: int = 1440, scheme: Literal["light", "dark"] = "light"
) -> Iterator[Page]:
    """The page, opened from a file. At the end it must have complained of nothing and asked for nothing."""
    file = folder / "status.html"
    file.write_text(render_page(snapshot), encoding="utf-8")
    page = shared_page(browser, width=width, scheme=scheme)
    told: list[str] = []
    with listening(
        page,
        console=lambda message: told.append(message.text),
        pageerror=lambda error: told.append(str(error)),
        dialog=lambda dialog: told.append(dialog.message),
        request=lambda request: told.append(request.url) if request.url != file.as_uri() else None,
    ):
        page.goto(file.as_uri())
        yield page
        assert told == []


def rows(page: Page, heading: str) -> list[list[str]]:
    """Texts of a table's cells."""
    table = page.get_by_role("region", name=heading).locator("tbody tr")
    return [[one.strip() for one in row.locator("th, td").all_inner_texts()] for row in table.all()]


def test_a_row_a_tenant(browser: Browser, tmp_path: Path) -> None:
    """Every part in its column; what is not ok says so in words, and above the tables why."""
    with shown(browser, tmp_path, mixed()) as page:
        expect(page).to_have_title("E-mail status: wrong")
        expect(page.locator(".summary")).to_contain_text(
            "12 tenants: 4 wrong, 1 unknown, 1 not deployed, 1 pending, 5 ok"
        )
        heads = page.get_by_role("region", name="Tenants").locator("thead th").all_inner_texts()
        found = {row[0].split()[0]: dict(zip(heads, row, strict=True)) for row in rows(page, "Tenants")}
        assert [len(found), heads[0], heads[-1]] == [12, "tenant", "held"]
        assert found["acme"]["last in"] == "12 min"
        assert found["globex"]["DKIM"] == "pending"
        assert found["hooli"]["queues"] == "0, 3 dead, wrong"
        assert found["umbrella"]["MX"] == "missing"
        assert set(list(found["wonka"].values())[2:]) == {"-"}
        assert [row[:2] for row in rows(page, "Cells")] == [["eu\neu-central-1", "ok"], ["us\neu-central-1", "wrong"]]
        first = page.locator(".reasons li").first.inner_text()
        assert first.startswith("wrong cell us definitions")
        assert page.locator(".reasons li").count() == 8
        assert page.locator("time").first.get_attribute("datetime") == NOW.isoformat()


def test_charts_are_the_figures(browser: Browser, tmp_path: Path) -> None:
    """Lengths of bars are in the proportion of what they stand for; the limit is where 24 hours are."""
    with shown(browser, tmp_path, mixed()) as page:
        states, ages, held, dead = page.locator(".chart").all()
        widths = [float(one.get_attribute("width") or 0) for one in states.locator("rect:not(.track)").all()]
        assert widths[:5] == pytest.approx([100 * one / 12 for one in (4, 1, 1, 1, 5)], abs=0.01)
        assert sum(widths[:5]) == pytest.approx(100, abs=0.01)
        expect(ages.get_by_role("img", name="us: 31 h")).to_be_visible()
        bars = [float(one.get_attribute("width") or 0) for one in ages.locator("rect:not(.track)").all()]
        limit = float(ages.locator("line").first.get_attribute("x1") or 0)
        assert (bars[0], bars[1], limit) == pytest.approx((100, 100 * 3 / 31, 100 * 24 / 31), abs=0.01)
        assert held.locator("li").all_inner_texts() == ["encrypted\n9", "error\n2", "over-limit\n1"]
        assert dead.locator("li").all_inner_texts() == ["hooli, messages structuring\n3"]


def test_nothing_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """Charts of nothing say so."""
    with shown(browser, tmp_path, Snapshot(at=NOW, cells=(cell("eu"),), tenants=(tenant("acme"),))) as page:
        expect(page).to_have_title("E-mail status: ok")
        expect(page.get_by_text("Nothing: everything is as it should be.")).to_be_visible()
        for note in ("None is held.", "There are none."):
            expect(page.get_by_text(note)).to_be_visible()


def test_nothing_is_there(browser: Browser, tmp_path: Path) -> None:
    """A config without tenants."""
    with shown(browser, tmp_path, Snapshot(at=NOW, cells=(), tenants=())) as page:
        for note in ("There are no tenants.", "No cell's definitions are known."):
            expect(page.get_by_text(note)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    """Contrast of all text: WCAG 2.2, 1.4.3."""
    with shown(browser, tmp_path, mixed(), scheme=scheme) as page:
        found = contrasts(page)
        assert len(found) > 150
        assert [one for one in found if one[0] < 4.5] == []


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_no_page_is_wider_than_its_window(browser: Browser, tmp_path: Path, width: int) -> None:
    """The tables are moved within themselves, also with the keyboard."""
    with shown(browser, tmp_path, mixed(), width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        region = page.get_by_role("region", name="Tenants")
        region.focus()
        assert region.evaluate("(one) => one === document.activeElement")
        page.keyboard.press("End")


def test_what_strangers_say_is_text(browser: Browser, tmp_path: Path) -> None:
    """Markup, templates and control characters of DNS and AWS: shown as they are, run by nobody."""
    bad = Check(state=State.WRONG, said=HOSTILE, reason=HOSTILE * 100)
    queue = QueueCount(name=HOSTILE, waiting=1, dead=2)
    snapshot = Snapshot(
        at=NOW,
        cells=(replace(cell("eu"), cell=HOSTILE, absent=HOSTILE),),
        tenants=(tenant("acme", {Part.SPF: bad}, held={HOSTILE: 3}, queues=(queue,), subdomain=HOSTILE),),
    )
    with shown(browser, tmp_path, snapshot) as page:
        text = page.locator("body").inner_text()
        assert "<script>alert(1)</script>" in text
        assert "{{ 7 * 7 }}" in text
        assert [page.locator(one).count() for one in ("script", "img")] == [0, 0]
        assert not any(one in render_page(snapshot) for one in "\x1b\x00\u202e")
        assert page.evaluate("document.documentElement.scrollWidth") == 1440


def test_a_thousand_tenants(browser: Browser, tmp_path: Path) -> None:
    """Are one page of less than two megabytes."""
    tenants = tuple(tenant(f"tenant-{number}", held={"encrypted": number}) for number in range(1000))
    cells = tuple(cell(f"cell-{number}", timedelta(hours=number)) for number in range(20))
    snapshot = Snapshot(at=NOW, cells=cells, tenants=tenants)
    assert len(render_page(snapshot).encode()) < 2_000_000
    with shown(browser, tmp_path, snapshot) as page:
        assert page.get_by_role("region", name="Tenants").locator("tbody tr").count() == 1000
        expect(page.get_by_text("The highest 8 of 20.")).to_be_visible()


def test_page_without_anything_deployed(browser: Browser, tmp_path: Path) -> None:
    """Says so, once for all."""
    absent = "there is no stack Cell-eu in eu-central-1; deploy a tenant of it"
    snapshot = Snapshot(
        at=NOW,
        cells=(CellStatus(cell="eu", region="eu-central-1", absent=absent),),
        tenants=tuple(
            TenantStatus(tenant=name, subdomain=f"{name}.example", cell="eu", absent="deploy it") for name in "abc"
        ),
    )
    with shown(browser, tmp_path, snapshot) as page:
        assert page.locator(".reasons li").all_inner_texts() == [
            f"not deployed cell eu\n\n{absent}",
            "not deployed a, b, c\n\ndeploy it",
        ]
