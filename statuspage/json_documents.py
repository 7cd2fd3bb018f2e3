"""The page as JSON in the shape of Statuspage's public API, version 2, so that widgets and clients made for it read it.

Components, incidents and maintenance are named by their public ids, the page by its slug. Maintenance has the shape of
an incident, as there, with its description as its one update.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from catalog.models import MaintenanceWindow
from statuspage import addresses, words

if TYPE_CHECKING:
    from datetime import datetime

    from statuspage.picture import Part, Picture, Said, Section, Told, Works
    from statuspage.words import Words

State = MaintenanceWindow.State

CONTENT_TYPE = "application/json; charset=utf-8"
MOST = 50  # incidents, and maintenances, of one list
_SAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})  # also inside HTML, where somebody puts it


def documents(picture: Picture) -> dict[str, tuple[str, bytes]]:
    """Every address of the API, with its content type and bytes."""
    said = words.of(picture.page)
    incidents = [_incident(told, picture, said) for told in picture.told]
    open_ = [_incident(told, picture, said) for told in picture.open]
    planned = [_maintenance(each, picture, said) for each in reversed(picture.works) if each.state != State.CANCELLED]
    active, upcoming = ([each for each in planned if each["status"] == state] for state in ("in_progress", "scheduled"))
    status = {"indicator": picture.indicator, "description": said.say(f"all.{picture.indicator}")}
    components = _components(picture, said)
    found: dict[str, dict[str, Any]] = {
        "summary": {
            "components": components,
            "incidents": open_,
            "scheduled_maintenances": [*active, *upcoming],
            "status": status,
        },
        "status": {"status": status},
        "components": {"components": components},
        "incidents": {"incidents": incidents[:MOST]},
        "incidents/unresolved": {"incidents": open_},
        "scheduled-maintenances": {"scheduled_maintenances": planned[:MOST]},
        "scheduled-maintenances/active": {"scheduled_maintenances": active},
        "scheduled-maintenances/upcoming": {"scheduled_maintenances": upcoming},
    }
    page = _page(picture, said)
    return {f"api/v2/{name}.json": (CONTENT_TYPE, _dumped({"page": page, **body})) for name, body in found.items()}


def _dumped(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).translate(_SAFE).encode()


def _page(picture: Picture, said: Words) -> dict[str, Any]:
    page = picture.page
    return {
        "id": page.slug,
        "name": page.name,
        "url": addresses.home_of(page).rstrip("/"),
        "time_zone": page.time_zone,
        "updated_at": _stamp(picture.updated_at, said),
    }


def _components(picture: Picture, said: Words) -> list[dict[str, Any]]:
    """Components with their groups, each group before its own."""
    found = []
    for position, section in enumerate(picture.sections, start=1):
        if section.public_id:
            found.append(_group(section, position, picture, said))
        found += [_component(part, picture, said) for part in section.parts]
    return found


def _group(section: Section, position: int, picture: Picture, said: Words) -> dict[str, Any]:
    return {
        "id": section.public_id,
        "name": section.name,
        "status": section.health,
        "created_at": _stamp(min(part.created_at for part in section.parts), said),
        "updated_at": _stamp(max(part.updated_at for part in section.parts), said),
        "position": position,
        "description": None,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": picture.page.slug,
        "group": True,
        "only_show_if_degraded": False,
        "components": [part.public_id for part in section.parts],
    }


def _component(part: Part, picture: Picture, said: Words) -> dict[str, Any]:
    return {
        "id": part.public_id,
        "name": part.name,
        "status": part.health,
        "created_at": _stamp(part.created_at, said),
        "updated_at": _stamp(part.updated_at, said),
        "position": part.position,
        "description": part.description or None,
        "showcase": True,
        "start_date": part.since.isoformat(),
        "group_id": part.group_id or None,
        "page_id": picture.page.slug,
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(told: Told, picture: Picture, said: Words) -> dict[str, Any]:
    return {
        "id": told.public_id,
        "name": told.name,
        "status": told.status,
        "created_at": _stamp(told.created_at, said),
        "updated_at": _stamp(told.updated_at, said),
        "monitoring_at": _stamp(told.monitoring_at, said),
        "resolved_at": _stamp(told.resolved_at, said),
        "impact": told.impact,
        "shortlink": addresses.incident_of(picture.page, told.public_id),
        "started_at": _stamp(told.started_at, said),
        "page_id": picture.page.slug,
        "incident_updates": [_update(each, told, said) for each in told.said],
        "components": [_component(part, picture, said) for part, _ in told.parts],
        "reminder_intervals": None,
    }


def _update(each: Said, told: Told, said: Words) -> dict[str, Any]:
    return {
        "id": each.public_id,
        "status": each.status,
        "body": each.message,
        "incident_id": told.public_id,
        "created_at": _stamp(each.at, said),
        "updated_at": _stamp(each.edited_at or each.at, said),
        "display_at": _stamp(each.at, said),
        "affected_components": [
            {"code": part.public_id, "name": part.name, "old_status": before, "new_status": after}
            for part, before, after in each.changes
        ]
        or None,
        "deliver_notifications": True,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _maintenance(works: Works, picture: Picture, said: Words) -> dict[str, Any]:
    start, over = _stamp(works.starts_at, said), works.state == State.COMPLETED
    created, updated = _stamp(works.created_at, said), _stamp(works.updated_at, said)
    return {
        "id": works.public_id,
        "name": works.title,
        "status": works.state,
        "created_at": created,
        "updated_at": updated,
        "monitoring_at": None,
        "resolved_at": _stamp(works.ends_at, said) if over else None,
        "impact": "maintenance",
        "shortlink": addresses.maintenance_of(picture.page, works.public_id),
        "started_at": start,
        "page_id": picture.page.slug,
        "incident_updates": [
            {
                "id": works.public_id,
                "status": works.state,
                "body": works.description,
                "incident_id": works.public_id,
                "created_at": created,
                "updated_at": updated,
                "display_at": created,
                "affected_components": None,
                "deliver_notifications": True,
                "custom_tweet": None,
                "tweet_id": None,
            }
        ],
        "components": [_component(part, picture, said) for part in works.parts],
        "reminder_intervals": None,
        "scheduled_for": start,
        "scheduled_until": _stamp(works.ends_at, said),
    }


def _stamp(at: datetime | None, said: Words) -> str | None:
    """RFC 3339 on the page's clocks, to the millisecond."""
    return said.local(at).isoformat(timespec="milliseconds") if at else None
