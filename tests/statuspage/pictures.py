"""Pictures of a page, made by hand: what the drawing of pages is tested with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from statuspage.models import StatusPage
from statuspage.picture import DAYS, Day, Part, Picture, Said, Section, Told, Works

AT = datetime(2026, 10, 14, 1, 5, tzinfo=UTC)  # 03:05 in Berlin
MINUTE = timedelta(minutes=1)


def page(**fields: Any) -> StatusPage:
    """A page that is not stored."""
    given = {"slug": "acme", "name": "Acme status", "time_zone": "Europe/Berlin", "locale": "en"} | fields
    return StatusPage(**given)


def day(on: date, health: str = "operational", seconds: int = 0, *reports: str, known: bool = True) -> Day:
    """A day that was so for so long."""
    down = seconds if "outage" in health else 0
    degraded = seconds if health == "degraded_performance" else 0
    maintained = seconds if health == "under_maintenance" else 0
    return Day(on, health, down, degraded, maintained, reports, known)


def part(
    name: str,
    health: str = "operational",
    *,
    uptime: float | None = 1.0,
    bad: dict[int, tuple[str, int, str]] | None = None,
    known: int = DAYS,
    description: str = "",
) -> Part:
    """A component. ``bad`` are days by how long ago they were: health, seconds, and the incident."""
    bad = bad or {}
    days = []
    for ago in range(DAYS - 1, -1, -1):
        state, seconds, report = bad.get(ago, ("operational", 0, ""))
        on = AT.date() - timedelta(days=ago)
        days.append(day(on, state, seconds, *([report] if report else []), known=ago < known))
    since = AT.date() - timedelta(days=known - 1)
    key = name.lower().replace(" ", "")[:12]
    return Part(key, name, description, health, "", 0, since, AT, AT, uptime, tuple(days))


def said(key: str, status: str, message: str, at: datetime, **fields: Any) -> Said:
    """An update."""
    given: dict[str, Any] = {"edited_at": None, "next_at": None, "changes": ()} | fields
    return Said(key, status, message, at, **given)


def told(key: str, name: str, status: str, *updates: Said, started_at: datetime, **fields: Any) -> Told:
    """An incident, the newest update first."""
    given: dict[str, Any] = {"impact": "major", "monitoring_at": None, "resolved_at": None, "parts": ()} | fields
    given |= {"started_at": started_at, "created_at": started_at, "updated_at": updates[0].at}
    return Told(key, name, status, said=tuple(updates), **given)


def works(
    key: str, title: str, state: str, starts_at: datetime, ends_at: datetime, *parts: Part, text: str = ""
) -> Works:
    """Maintenance."""
    return Works(key, title, text, state, starts_at, ends_at, AT - timedelta(days=3), AT, parts)


def picture(
    *sections: Section,
    indicator: str = "none",
    told: tuple[Told, ...] = (),
    works: tuple[Works, ...] = (),
    on: StatusPage | None = None,
    at: datetime = AT,
) -> Picture:
    """A page at 03:05 in Berlin."""
    return Picture(on or page(), at, indicator, sections, told, works, at, at + timedelta(hours=21))


def section(*parts: Part, name: str = "", health: str = "operational") -> Section:
    """Components; with a name a group."""
    return Section(name.lower()[:12], name, health, parts)


def busy(**fields: Any) -> Picture:
    """The page of the mockups: card payments fail, and there is something of everything else."""
    checkout = part(
        "Checkout and payments",
        "partial_outage",
        uptime=0.99823,
        bad={
            62: ("degraded_performance", 1800, ""),
            35: ("partial_outage", 2280, "inclogin"),
            0: ("partial_outage", 1080, "inccards"),
        },
    )
    shop = part(
        "Storefront", "degraded_performance", uptime=0.99941, bad={0: ("degraded_performance", 700, "inccards")}
    )
    login = part("Accounts and login", uptime=0.9997, bad={2: ("major_outage", 2280, "inclogin")})
    api = part("Public API", description="REST and webhooks.", bad={50: ("under_maintenance", 3600, "")})
    young = part("Reports and exports", known=20)
    cards = told(
        "inccards",
        "Card payments fail at checkout",
        "investigating",
        said(
            "u2",
            "investigating",
            "We are investigating failed **card payments** at checkout. Other payment methods work. If a payment "
            "failed, the card was not charged. See [our help](https://help.example.com/cards).",
            AT,
            next_at=AT + 12 * MINUTE,
            changes=((checkout, "degraded_performance", "partial_outage"),),
        ),
        said(
            "u1",
            "investigating",
            "About one in five card payments does not go through.",
            AT - 13 * MINUTE,
            edited_at=AT,
        ),
        started_at=AT - 18 * MINUTE,
        parts=((checkout, "partial_outage"), (shop, "degraded_performance")),
    )
    slow = told(
        "inclogin",
        "Slow login",
        "postmortem",
        said(
            "u5", "postmortem", "## What happened\n\nA cache was *cold*.\n\n- It is warm now.", AT - timedelta(days=1)
        ),
        said("u4", "resolved", "Login is as fast as before.", AT - timedelta(days=2) + 38 * MINUTE),
        said("u3", "monitoring", "A fix is in place.", AT - timedelta(days=2) + 20 * MINUTE),
        started_at=AT - timedelta(days=2),
        resolved_at=AT - timedelta(days=2) + 38 * MINUTE,
        parts=((login, "operational"),),
    )
    upgrade = works(
        "wrkupgrade",
        "Database upgrade",
        "scheduled",
        AT + timedelta(days=4, hours=1),
        AT + timedelta(days=4, hours=2),
        young,
        text="Reports will be read-only for up to 20 minutes. No action is needed.",
    )
    move = works(
        "wrkmove", "Move to a new network", "completed", AT - timedelta(days=9), AT - timedelta(days=9, hours=-1), api
    )
    return picture(
        section(checkout, shop, login, name="Shop", health="partial_outage"),
        section(api, young),
        indicator="major",
        told=(cards, slow),
        works=(move, upgrade),
        **fields,
    )
