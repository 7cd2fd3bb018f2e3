"""Leaving an incident out of the metrics, for a reason."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from incidents import changes
from incidents.excluding import NO_REASON, exclude, include
from incidents.models import Incident
from tests import make
from tests.api.caller import Caller, fields_of
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db


def marks(incident):
    incident.refresh_from_db()
    return (
        incident.excluded_from_metrics, incident.excluded_reason, incident.excluded_by, incident.excluded_at,
    )  # fmt: skip


def last(incident):
    entry = incident.timeline.latest("id")
    return entry.kind, entry.data, entry.text, entry.by, entry.at


COUNTED = (False, "", None, None)


def test_it_is_left_out_by_somebody_for_a_reason_and_counted_again(alice, bob):
    incident = make.incident()
    exclude(incident, reason="  A drill\nof Tuesday ", by=alice, now=NOW + MINUTE)
    assert marks(incident) == (True, "A drill of Tuesday", alice, NOW + MINUTE)
    data = {"fields": ["excluded_from_metrics"], "excluded": True}
    assert last(incident) == ("details_changed", data, "A drill of Tuesday", alice, NOW + MINUTE)
    exclude(incident, reason="A drill of Tuesday", by=bob, now=NOW + 2 * MINUTE)
    assert marks(incident) == (True, "A drill of Tuesday", alice, NOW + MINUTE)
    exclude(incident, reason="A drill of Monday", by=bob, now=NOW + 3 * MINUTE)
    assert marks(incident) == (True, "A drill of Monday", bob, NOW + 3 * MINUTE)
    include(incident, by=bob, now=NOW + 4 * MINUTE)
    assert marks(incident) == COUNTED
    assert last(incident)[1:3] == ({"fields": ["excluded_from_metrics"], "excluded": False}, "")
    before = incident.timeline.count()
    include(incident, by=bob)
    assert incident.timeline.count() == before


@pytest.mark.parametrize("reason", ["", "  ", "\n\u2028\t"])
def test_a_reason_is_needed(alice, reason):
    incident = make.incident()
    with pytest.raises(ValidationError) as error:
        exclude(incident, reason=reason, by=alice)
    assert error.value.message_dict == {"reason": [NO_REASON]}
    assert marks(incident) == COUNTED


def test_a_long_reason_is_cut(alice):
    incident = make.incident()
    exclude(incident, reason="x" * 400, by=alice)
    assert marks(incident)[1] == "x" * 300


def test_an_edit_says_who_and_when_too(alice, bob):
    incident = make.incident()
    changes.edit(incident, by=alice, now=NOW + MINUTE, excluded_from_metrics=True)
    assert marks(incident) == (True, "", alice, NOW + MINUTE)
    changes.edit(incident, by=bob, now=NOW + 2 * MINUTE, excluded_reason="Declared twice")
    assert marks(incident) == (True, "Declared twice", bob, NOW + 2 * MINUTE)
    changes.edit(incident, by=bob, title="Another title", excluded_from_metrics=True)
    assert last(incident)[1:3] == ({"fields": ["title"]}, "")
    with pytest.raises(ValidationError, match="Say why"):
        changes.edit(incident, by=bob, excluded_reason=" ")
    changes.edit(incident, by=bob, title="A third title", excluded_from_metrics=False)
    assert marks(incident) == COUNTED
    assert last(incident)[1]["fields"] == ["excluded_from_metrics", "title"]
    with pytest.raises(ValidationError, match="It is not left out"):
        changes.edit(incident, by=bob, excluded_reason="Why not")


def test_the_database_keeps_no_reason_against_what_counts(alice):
    incident = make.incident()
    for wrong in ({"excluded_reason": "x"}, {"excluded_by": alice}, {"excluded_at": NOW}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Incident.objects.filter(pk=incident.pk).update(**wrong)


# ---- pages ---------------------------------------------------------------------------------------------------


def test_the_page_leaves_it_out_shows_why_and_counts_it_again(client, alice, charlie):
    incident = make.incident(steps=[alice])
    page, path = incident.get_absolute_url(), f"/incidents/{incident.reference}/exclude"
    back = f"/incidents/{incident.reference}/include"
    client.force_login(charlie)
    assert [client.post(each, {"reason": "x"}).status_code for each in (path, back)] == [403, 403]
    client.force_login(alice)
    assert path in client.get(page).content.decode()
    assert "Why is it left out?" in client.get(path).content.decode()
    empty = client.post(path, {"reason": " "})
    assert (empty.status_code, NO_REASON in empty.content.decode()) == (422, True)
    assert client.post(path, {"reason": "Only <b>a drill"}).status_code == 303
    shown = client.get(page).content.decode()
    assert "Left out of the metrics:</b> Only &lt;b&gt;a drill" in shown
    assert "By Alice" in shown
    assert "</b> left it out of the metrics<br>Reason: Only" in shown
    assert "Only &lt;b&gt;a drill" in client.get(path).content.decode()  # to be said better
    assert client.get(back).status_code == 405
    assert client.post(back).status_code == 303
    again = client.get(page).content.decode()
    assert ("Left out of the metrics" in again, "counted it in the metrics again" in again) == (False, True)


def test_it_leads_back_to_the_page_of_ours_that_asked(client, alice):
    incident = make.incident()
    client.force_login(alice)
    behind = "/metrics/incidents?of=incidents&period=30d"
    path = f"/incidents/{incident.reference}/exclude"
    assert client.post(path, {"reason": "A drill", "next": behind})["Location"] == behind
    assert client.post(path, {"reason": "A test", "next": "https://evil.example/"})["Location"].endswith(
        incident.get_absolute_url()
    )


def test_without_a_reason_the_page_says_so(client, alice):
    incident = make.incident()
    changes.edit(incident, by=alice, excluded_from_metrics=True)
    client.force_login(alice)
    assert "Left out of the metrics:</b> no reason given" in client.get(incident.get_absolute_url()).content.decode()


# ---- API -----------------------------------------------------------------------------------------------------


def test_over_the_api(alice, charlie):
    api, incident = Caller(alice), make.incident()
    path = f"incidents/{incident.reference}"
    said = {"excluded_from_metrics": True, "excluded_reason": "A drill"}
    assert Caller(charlie).patch(path, said).status_code == 403
    answer = api.patch(path, said).json()
    assert {name: answer[name] for name in ("excluded_from_metrics", "excluded_reason", "excluded_by")} == {
        **said, "excluded_by": "alice",
    }  # fmt: skip
    assert answer["excluded_at"]
    assert last(incident)[1:3] == (
        {"fields": ["excluded_from_metrics", "excluded_reason"], "excluded": True}, "A drill",
    )  # fmt: skip
    assert api.patch(path, {"excluded_reason": "A drill of ours"}).json()["excluded_reason"] == "A drill of ours"
    assert fields_of(api.patch(path, {"excluded_reason": ""})) == ["excluded_reason"]
    assert fields_of(api.patch(path, {"excluded_reason": "x" * 301})) == ["excluded_reason"]
    assert fields_of(api.patch(path, {"excluded_reason": None})) == ["excluded_reason"]
    after = api.patch(path, {"excluded_from_metrics": False}).json()
    assert [after[name] for name in ("excluded_reason", "excluded_by", "excluded_at")] == ["", None, None]
    assert fields_of(api.patch(path, {"excluded_reason": "x"})) == ["excluded_reason"]
    assert marks(incident) == COUNTED
