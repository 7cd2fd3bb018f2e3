"""The list of all incidents' action items: its tabs, filters, orders, figures, and what one does from there."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from followups import listing
from incidents import action_items
from incidents.models import ActionItem
from tests import make

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LIST = "/follow-ups/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def world(alice, bob):
    """Two teams, a private incident, and an item of each sort; by their titles."""
    kafka = make.service("kafka", team=make.team("core", alice))
    search = make.service("search", team=make.team("web", bob))
    now = timezone.now()
    both = make.incident(services=[kafka, search], severity="critical", title="Both are down")
    web = make.incident(services=[search], severity="low")
    nobodys = make.incident(severity="high")
    secret = make.incident(is_private=True, assignee=bob)

    def add(incident, title, *, age=0.0, due=None, owner=None, kind=""):
        due_on = timezone.localdate(now) + due * DAY if due is not None else None
        item = action_items.add(incident, title=title, owner=owner, kind=kind, by=bob, now=now - (age or 1) * DAY)
        ActionItem.objects.filter(pk=item.pk).update(due_on=due_on)
        return item

    add(both, "late", age=10, due=-3, owner=alice, kind="detective")
    add(both, "today", age=3, due=0, owner=bob)
    add(web, "whenever", age=40)
    add(nobodys, "old", age=100, due=20, kind="preventive")
    add(secret, "secret", age=5, due=-1)
    action_items.set_done(add(web, "done", age=50, due=-40), by=bob)
    action_items.set_done(add(web, "done long ago", age=90, due=-80), by=bob, now=now - 31 * DAY)
    action_items.accept_risk(add(both, "lived with", age=60), reason="It goes in March.", by=alice)
    return {"both": both, "web": web}


def titles(response) -> list[str]:
    found = re.findall(r'<th scope="row">.*?<span class="mu-what">(.*?)</span>', response.content.decode(), re.DOTALL)
    return [html.unescape(title) for title in found]


def shown(client, query: str = "") -> list[str]:
    return titles(client.get(f"{LIST}?{query}"))


def figures(response, part: str) -> dict[str, str]:
    """The words of the links of a part of the page, and where each leads."""
    source = response.content.decode().split(f'id="{part}"')[1].split("</aside>" if part == "sides" else "</p>")[0]
    links = re.findall(r'<a class="mu-num[^>]*href="([^"]*)"[^>]*>(.*?)</a>', source)
    return {re.sub(r"<[^>]+>", "", words): html.unescape(href) for href, words in links}


# ---- what is listed ------------------------------------------------------------------------------------------------


def test_what_is_open_is_shown_the_soonest_due_first(at_desk, world):
    assert shown(at_desk) == ["late", "today", "old", "whenever"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=overdue", ["late"]),
        ("state=done", ["done", "done long ago"]),
        ("state=done-lately", ["done"]),
        ("state=accepted", ["lived with"]),
        ("state=all", ["today", "late", "whenever", "done", "lived with", "done long ago", "old"]),
        ("state=nonsense", ["late", "today", "old", "whenever"]),
        ("owner=me", ["late"]),
        ("owner=bob", ["today"]),
        ("owner=none", ["old", "whenever"]),
        ("owner=nobody-here", []),
        ("team=core", ["late", "today"]),
        ("team=web", ["late", "today", "whenever"]),
        ("team=none", ["old"]),
        ("team=mine", ["late", "today"]),
        ("service=search", ["late", "today", "whenever"]),
        ("severity=critical", ["late", "today"]),
        ("kind=preventive", ["old"]),
        ("kind=none", ["today", "whenever"]),
        ("age=week", ["today"]),
        ("age=month", ["late"]),
        ("age=quarter", ["whenever"]),
        ("age=older", ["old"]),
        ("team=web&owner=none", ["whenever"]),
        ("owner=%00", []),
        ("severity=awful&owner=me", ["late"]),
    ],
)
def test_tabs_and_filters(at_desk, world, query, expected):
    assert shown(at_desk, query) == expected


def test_the_items_of_one_incident(at_desk, world):
    assert shown(at_desk, f"state=all&incident={world['both'].reference.lower()}") == ["today", "late", "lived with"]
    answer = at_desk.get(f"{LIST}?incident=42")
    assert "Write an incident as INC-42." in answer.content.decode()


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("due", ["late", "today", "old", "whenever"]),
        ("-due", ["whenever", "old", "today", "late"]),
        ("age", ["today", "late", "whenever", "old"]),
        ("-age", ["old", "whenever", "late", "today"]),
        ("-severity", ["late", "today", "old", "whenever"]),
        ("severity", ["whenever", "old", "late", "today"]),
        ("nonsense", ["late", "today", "old", "whenever"]),
    ],
)
def test_orders_on_one_page_and_over_pages(at_desk, world, alice, sort, expected):
    assert shown(at_desk, f"sort={sort}") == expected
    if sort == "nonsense":
        return
    rows, seen, cursor = ActionItem.objects.visible_to(alice).undone(), [], None
    while True:
        page = listing.page(rows, sort=sort, cursor=cursor, limit=1)
        seen += [item.title for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == expected
    back = listing.page(rows, sort=sort, cursor=page.previous, limit=10)
    assert [item.title for item in back.items] == expected[:-1]


def test_a_cursor_of_another_order_leads_to_the_first_page(at_desk, world):
    assert shown(at_desk, "cursor=nonsense") == ["late", "today", "old", "whenever"]


# ---- the figures ---------------------------------------------------------------------------------------------------


def test_each_figure_counts_the_rows_that_its_link_shows(at_desk, world):
    page = at_desk.get(f"{LIST}?owner=bob&state=overdue&sort=-age")
    above = figures(page, "figures")
    assert list(above) == [
        "4 open", "1 overdue", "2 without an owner", "1 done in the last 30 days", "median age 40 days",
    ]  # fmt: skip
    for words, href in above.items():
        rows = titles(at_desk.get(LIST + href))
        assert len(rows) == (4 if words.startswith("median") else int(words.split()[0])), words
    beside = figures(page, "sides")
    assert list(beside) == [
        "1 open, less than a week", "1 open, 1 to 4 weeks", "1 open, 4 to 12 weeks", "1 open, older",
        "3 open of Web", "1 overdue of Web", "2 open of Core", "1 overdue of Core", "1 open of no team",
    ]  # fmt: skip
    for words, href in beside.items():
        assert len(titles(at_desk.get(LIST + href))) == int(words.split()[0]), words


def test_figures_speak_of_the_team_that_was_chosen(at_desk, world):
    above = figures(at_desk.get(f"{LIST}?team=core&owner=me"), "figures")
    assert list(above)[:2] == ["2 open", "1 overdue"]


def test_what_is_empty_says_so(at_desk):
    page = at_desk.get(LIST).content.decode()
    assert "Nothing is left to do" in page
    assert "median" not in page
    for state, said in (("overdue", "Nothing is overdue"), ("accepted", "No risk was accepted")):
        assert said in at_desk.get(f"{LIST}?state={state}").content.decode()
    assert "No action item fits these filters" in at_desk.get(f"{LIST}?owner=me").content.decode()


# ---- doing something about it --------------------------------------------------------------------------------------


def test_a_tick_and_a_sheet_lead_back_to_the_list(at_desk, world):
    address = f"{LIST}?owner=me"
    page = at_desk.get(address).content.decode()
    item = ActionItem.objects.get(title="late")
    assert f'<input type="hidden" name="next" value="{address}">' in page
    sheet = f"/incidents/{item.incident.reference}/action-items/{item.pk}/accept"
    assert f'href="{sheet}?next=%2Ffollow-ups%2F%3Fowner%3Dme" data-sheet' in page
    form = at_desk.get(f"{sheet}?next=%2Ffollow-ups%2F%3Fowner%3Dme")
    assert f'<input type="hidden" name="next" value="{address}">' in form.content.decode()
    answer = at_desk.post(sheet, {"reason": "Why not.", "next": address})
    assert (answer.status_code, answer["Location"]) == (303, address)
    back = at_desk.post(f"/incidents/{item.incident.reference}/action-items/{item.pk}/reopen", {"next": address})
    assert back["Location"] == address


def test_an_open_page_is_sent_what_differs(at_desk, world, bob):
    versions = re.findall(r'id="(\w+)" data-version="(\w+)"', at_desk.get(LIST).content.decode())
    assert [name for name, _ in versions] == ["figures", "items", "sides"]
    seen = ",".join(f"{name}.{version}" for name, version in versions)
    assert at_desk.get(f"{LIST}?seen={seen}", headers=HTMX).status_code == 204
    action_items.change(ActionItem.objects.get(title="today"), title="by tonight", by=bob)
    fresh = at_desk.get(f"{LIST}?seen={seen}", headers=HTMX).content.decode()
    assert re.findall(r'id="(\w+)" data-version', fresh) == ["items"]
    assert "by tonight" in fresh
    assert "seen=" not in fresh


def test_the_file_has_the_rows_of_the_list_and_no_formulas(at_desk, world, alice):
    action_items.add(world["both"], title="=cmd|' /C calc'!A0", owner=alice, by=alice)
    answer = at_desk.get("/follow-ups/export.csv?owner=me&sort=-age")
    assert answer["Content-Disposition"].startswith('attachment; filename="follow-ups-open-')
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [(row["title"], row["state"], row["owner"], row["incident"], row["kind"]) for row in rows] == [
        ("late", "open", "alice", world["both"].reference, "detective"),
        ("'=cmd|' /C calc'!A0", "open", "alice", world["both"].reference, ""),
    ]
    lived = at_desk.get("/follow-ups/export.csv?state=accepted").getvalue().decode()
    assert "It goes in March." in lived
    refused = at_desk.get("/follow-ups/export.csv?severity=awful")
    assert (refused.status_code, refused["Location"]) == (303, "/follow-ups/?severity=awful")


# ---- who sees it, and what it costs --------------------------------------------------------------------------------


def test_what_is_private_is_listed_counted_and_exported_only_for_its_people(client, world, alice, bob, admin):
    for person, expected in ((alice, False), (bob, True), (admin, True)):
        client.force_login(person)
        page = client.get(LIST)
        assert ("secret" in titles(page)) is expected
        assert list(figures(page, "figures"))[0] == ("5 open" if expected else "4 open")
        assert ("secret" in client.get("/follow-ups/export.csv").getvalue().decode()) is expected


def test_viewers_read_and_strangers_sign_in(client, world, charlie):
    assert client.get(LIST)["Location"] == "/accounts/login/?next=/follow-ups/"
    client.force_login(charlie)
    page = client.get(LIST).content.decode()
    assert "whenever" in page
    assert "data-sheet" not in page
    assert "Mark as done" not in page


def test_a_page_costs_the_same_few_queries_whatever_is_on_it(at_desk, world, alice, bob):
    def cost(query: str = "") -> int:
        at_desk.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            assert at_desk.get(f"{LIST}?{query}").status_code == 200
        return len(queries)

    few = [cost(), cost("sort=-severity"), cost("state=all&team=mine&owner=none&age=week")]
    for number in range(12):
        owner = make.user(f"owner{number}")
        incident = make.incident(services=[make.service(f"s{number}", team=make.team(f"t{number}"))])
        action_items.add(incident, title=f"n{number}", owner=owner, by=alice)
    assert [cost(), cost("sort=-severity"), cost("state=all&team=mine&owner=none&age=week")] == few
    assert max(few) <= 12
