"""Who inside hears of a status update, each once."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team
from catalog.models import Service
from incidents import audience, changes, communication, subscriptions
from incidents.consequences import Consequences
from incidents.models import Incident, IncidentSettings, SeverityPolicy, Subscription
from incidents.subscriptions import Wish
from notifications.models import Notification
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db
CHATS = ("https://chat.example.com/hooks/One", "https://chat.example.com/hooks/one")


def follow(user, thing, method=None):
    return subscriptions.follow(Wish.of(thing), by=user, method=method)[0]


def tell(incident, *, at=make.NOW, **fields):
    """An update goes out to those inside."""
    update = make.status_update(Incident.objects.get(pk=incident.pk), at=at, **fields)
    out = Consequences(at)
    audience.tell(update, out=out)
    out.write()
    return update


def told(update):
    """(recipient, channel, address) of everybody who was told."""
    rows = Notification.objects.filter(origin=f"update/{update.pk}").order_by("recipient", "address")
    return [(row.recipient, row.channel, row.address) for row in rows]


def mailed(*users):
    return [(str(user), "email", user.email) for user in users]


@pytest.fixture
def crew(alice):
    return make.team("crew", alice, channel_address="https://hooks.example.com/crew")


@pytest.fixture
def kafka(crew):
    return make.service("kafka", team=crew)


@pytest.fixture
def leaders(db):
    """A leadership team of two."""
    lea, lou = make.user("lea", role="viewer"), make.user("lou", role="viewer", email=False)
    team = make.team("leaders", lea, lou)
    IncidentSettings.objects.update_or_create(pk=1, defaults={"leadership": team})
    return lea, lou


def test_who_follows_the_incident_its_service_its_team_or_its_severity_hears_of_it(kafka, crew, now):
    incident = make.incident(severity="high", services=[kafka], at=now)
    names = ("ann", "ben", "cem", "dan", "eve")
    ann, ben, cem, dan, eve = (make.user(name, role="viewer", email=False) for name in names)
    for user, thing in ((ann, incident), (ben, kafka), (cem, crew), (dan, "high")):
        follow(user, thing)
    for thing in ("critical", make.service("other"), make.team("others"), make.incident(at=now)):
        follow(eve, thing)
    assert told(tell(incident)) == mailed(ann, ben, cem, dan)


def test_it_says_how_it_stands_why_they_hear_of_it_and_how_to_stop(kafka, charlie, now):
    incident = make.incident(severity="high", services=[kafka], title="Kafka is slow", at=now)
    follow(charlie, kafka)
    update = tell(incident, message="Two brokers are *gone*.", status="identified", next_at=now + 60 * MINUTE)
    row = Notification.objects.get(origin=f"update/{update.pk}")
    assert (row.title, row.purpose, row.urgency) == (f"{incident.reference} Identified: Kafka is slow", "notice", "low")
    assert row.url.endswith(f"/incidents/{incident.reference}")
    assert row.body.splitlines() == [
        "Two brokers are *gone*.",
        "",
        "Next update: 2026-10-14 02:47 UTC",
        "Severity: High",
        "Services: Kafka",
        "Since: 2026-10-14 01:47 UTC",
        "",
        "You get this because you follow the service Kafka. What you hear of: http://127.0.0.1:8000/subscriptions",
    ]


def test_what_the_public_reads_goes_to_those_inside_once_and_says_so(kafka, charlie, now):
    incident = make.incident(severity="high", services=[kafka], at=now)
    follow(charlie, kafka)
    update = tell(incident, visibility="external", title="Slow messages")
    assert told(update) == mailed(charlie)
    assert "The public reads this too." in Notification.objects.get(origin=f"update/{update.pk}").body.splitlines()
    assert audience.addresses(update) == {"charlie@example.com"}


def test_a_contact_method_may_be_chosen(charlie, now):
    hook = make.contact(charlie, "webhook", "https://hooks.example.com/me")
    incident = make.incident(severity="high", at=now)
    follow(charlie, "high", hook)
    assert told(tell(incident)) == [("Charlie", "webhook", "https://hooks.example.com/me")]


def test_it_comes_to_the_chat_of_who_chose_that_and_to_a_chat_once(kafka, crew, alice, charlie, now):
    address = "https://chat.example.com/hooks/crew"
    crew.channel_address = f"slack+{address}"
    crew.save()
    make.policy.ensure_defaults()
    SeverityPolicy.objects.update(notify_channel=True)
    incident = make.incident(severity="high", services=[kafka], at=now)
    follow(charlie, kafka, make.contact(charlie, "chat", address))
    follow(alice, kafka, make.contact(alice, "chat", address))
    update = tell(incident)
    assert told(update) == [("Charlie", "chat", address)]


def test_whoever_writes_it_and_whoever_is_switched_off_is_not_told(alice, bob, charlie, now):
    incident = make.incident(severity="high", at=now)
    for user in (alice, bob, charlie):
        follow(user, incident)
    bob.is_active = False
    bob.save()
    assert told(tell(incident, by=alice)) == mailed(charlie)


def test_leadership_reads_a_short_form_where_its_severity_says_so(leaders, now):
    lea, lou = leaders
    update = tell(make.incident(at=now), message=f"{'Much to say. ' * 60}\n\nAnd more.")
    assert told(update) == mailed(lea, lou)
    for row in Notification.objects.filter(origin=f"update/{update.pk}"):
        first = row.body.splitlines()[0]
        assert (len(first) <= 280, first.endswith(" …"), "And more" in row.body) == (True, True, False)
        assert "You get this because you are in the leadership team." in row.body
    assert told(tell(make.incident(severity="high", at=now))) == []


def test_leadership_hears_nothing_before_it_hears_of_the_incident(leaders, now):
    make.policy.ensure_defaults()
    SeverityPolicy.objects.filter(severity="critical").update(leadership_after_minutes=30)
    incident = make.incident(at=now)
    assert told(tell(incident, at=now + 29 * MINUTE)) == []
    assert told(tell(incident, at=now + 30 * MINUTE)) == mailed(*leaders)


def test_one_of_leadership_who_follows_it_is_told_as_they_chose_and_no_second_time(leaders, now):
    lea, lou = leaders
    hook = make.contact(lea, "webhook", "https://hooks.example.com/lea")
    incident = make.incident(at=now)
    follow(lea, incident, hook)
    assert told(tell(incident)) == [("Lea", "webhook", hook.address), *mailed(lou)]


def test_one_address_gets_it_once_whoever_it_belongs_to(kafka, crew, alice, bob, now):
    bob.email = "ALICE@example.com"
    bob.save()
    crew.channel_address = "Alice@Example.com"
    crew.save()
    make.policy.ensure_defaults()
    SeverityPolicy.objects.update(notify_channel=True)
    incident = make.incident(severity="high", services=[kafka], at=now)
    follow(alice, kafka)
    follow(alice, "high", alice.contact_methods.get())
    follow(bob, kafka)
    assert told(tell(incident)) == mailed(alice)


def test_teams_hear_of_it_at_their_channel_where_the_severity_says_so(kafka, now):
    update = tell(make.incident(severity="medium", services=[kafka], at=now))
    assert told(update) == [("Crew", "webhook", "https://hooks.example.com/crew")]
    assert told(tell(make.incident(severity="high", services=[kafka], at=now))) == []


def test_of_a_private_incident_only_those_hear_who_may_see_it(kafka, alice, charlie, leaders, now):
    incident = make.incident(services=[kafka], is_private=True, at=now)
    for user in (alice, charlie):
        follow(user, kafka)
    assert [recipient for recipient, *_ in told(tell(incident))] == ["Alice", "Lea"]  # Lea was told when it began


def test_having_heard_of_one_is_no_right_to_see_it_once_it_is_private(charlie, alice, now):
    incident = make.incident(severity="high", at=now)
    follow(charlie, "high")
    assert told(tell(incident)) == mailed(charlie)
    changes.edit(incident, by=alice, is_private=True, now=now + MINUTE)
    assert not Incident.objects.visible_to(charlie).exists()
    assert told(tell(incident, at=now + 2 * MINUTE)) == []


def test_what_was_not_sent_before_it_became_private_is_sent_to_those_alone_who_may_see_it(kafka, alice, charlie, now):
    incident = make.incident(services=[kafka], at=now)
    for user in (alice, charlie):
        follow(user, kafka)
    update, other = tell(incident), tell(make.incident(services=[kafka], at=now))
    changes.edit(incident, by=alice, is_private=True, now=now + MINUTE)
    rows = Notification.objects.filter(origin=f"update/{update.pk}").order_by("recipient")
    assert [(row.recipient, row.state) for row in rows] == [("Alice", "pending"), ("Charlie", "cancelled")]
    assert set(Notification.objects.filter(origin=f"update/{other.pk}").values_list("state", flat=True)) == {"pending"}


def test_it_says_beforehand_how_many_hear_of_it(kafka, alice, charlie, leaders, now):
    lea, _ = leaders
    incident = make.incident(services=[kafka], at=now)
    assert audience.of(incident, by=None, now=now).words == "2 of leadership"
    for user in (alice, charlie, lea):
        follow(user, kafka)
    found = audience.of(incident, by=alice, now=now)
    assert (found.people, found.followers, found.leaders, found.teams) == (3, 2, 1, 0)
    assert found.words == "2 people who follow it and 1 of leadership"
    quiet = make.incident(severity="high", at=now)
    assert audience.of(quiet, by=None, now=now).words == "nobody"


def test_many_take_no_more_queries_than_few(kafka, leaders, now):
    incident = make.incident(services=[kafka], at=now)

    def queries():
        with CaptureQueriesContext(connection) as caught:
            tell(incident)
        return len(caught)

    few = queries()
    for _ in range(20):
        follow(make.user(role="viewer"), kafka)
    assert (queries(), few <= 9) == (few, True)


@pytest.mark.parametrize("seed", range(25))
def test_nobody_hears_twice_however_much_overlaps(seed, now):
    """Anybody follows anything by any method; addresses are shared; whoever should hears of it, once an address."""
    chance = random.Random(seed)  # noqa: S311
    people = overlapping(chance)
    incident = make.incident(services=chance.sample(list(Service.objects.all()), 2), at=now)
    for _ in range(30):
        user = chance.choice(people)
        things = [*Service.objects.all(), *Team.objects.all(), "critical", "low", incident]
        follow(user, chance.choice(things), chance.choice([None, *subscriptions.methods_of(user)]))
    author = chance.choice([None, *people])
    update = tell(incident, by=author)
    got = [
        (row.channel, folded(row.channel, row.address) or str(row.team.slug))
        for row in Notification.objects.filter(origin=f"update/{update.pk}")
    ]
    assert len(got) == len(set(got))
    assert set(got) == wanted(incident, author)


def overlapping(chance):
    """People who share addresses, in teams that share them, some of them leaders."""
    make.policy.ensure_defaults()
    SeverityPolicy.objects.update(notify_leadership=True, notify_channel=True)
    people = [make.user(f"p{n}", role="viewer", email=chance.random() < 0.7) for n in range(8)]
    for user in people:
        if chance.random() < 0.4:
            user.email = chance.choice(people).email.upper()
            user.save()
        if chance.random() < 0.3:
            make.contact(user, "webhook", f"https://hooks.example.com/{user.username}")
        if chance.random() < 0.3:
            make.contact(user, "chat", chance.choice(CHATS))
    for n in range(3):
        address = chance.choice(["", chance.choice(people).email, f"slack+{chance.choice(CHATS)}"])
        make.team(f"t{n}", *chance.sample(people, 3), channel_address=address)
    for n in range(4):
        make.service(f"s{n}", team=chance.choice(Team.objects.all()))
    IncidentSettings.objects.update_or_create(pk=1, defaults={"leadership": chance.choice(Team.objects.all())})
    return people


def wanted(incident, author):
    """Every address that should get it, reckoned the long way round."""
    services = list(incident.affected_services.all())
    owners = Team.objects.filter(services__in=services).distinct()
    found = {channel_of_team(team) for team in owners}
    rows = Subscription.objects.filter(service__in=services) | Subscription.objects.filter(team__in=owners)
    rows |= Subscription.objects.filter(severity="critical") | Subscription.objects.filter(incident=incident)
    rows = rows.exclude(user=author) if author else rows
    for row in rows:
        way = row.contact_method
        found.add((way.kind, folded(way.kind, way.address)) if way else ("email", row.user.email.lower()))
    for user in IncidentSettings.objects.get().leadership.members.exclude(pk=author.pk if author else 0):
        if not rows.filter(user=user).exists():
            methods = user.contact_methods.all()
            found |= {(way.kind, folded(way.kind, way.address)) for way in methods} or {("email", user.email.lower())}
    return found


def folded(channel, address):
    """Mailboxes do not tell capitals from small letters; the keys in other addresses do."""
    return address.lower() if channel == "email" else address


def channel_of_team(team):
    if team.channel_address.startswith("slack+"):
        return "chat", team.channel_address.removeprefix("slack+")
    return ("email", team.channel_address.lower()) if team.channel_address else ("inbox", team.slug)


# ---- how many were told ----------------------------------------------------------------------------------------------


def test_the_page_says_how_many_were_told_and_an_admin_reaches_what_failed(client, admin, alice, bob, charlie):
    incident = make.incident(severity="low", at=timezone.now())
    for person in (bob, charlie):
        subscriptions.follow(Wish.of(incident), by=person)
    update = communication.post_update(incident, message="We look.", status="investigating", by=alice)
    communication.post_update(incident, message="Quiet.", status="investigating", by=alice)
    Notification.objects.filter(origin__startswith="update/").exclude(origin=f"update/{update.pk}").delete()
    Notification.objects.filter(origin=f"update/{update.pk}", user=bob).update(
        state="failed", finished_at=timezone.now()
    )
    link = f"/outbox/?state=failed&amp;topic=incident/{incident.pk}/updates"
    for reader, is_linked in ((alice, False), (admin, True)):
        client.force_login(reader)
        source = client.get(incident.get_absolute_url()).content.decode()
        assert source.count("Told 2 colleagues") == 1
        assert "1 message failed" in source
        assert (link in source) == is_linked
    found = client.get("/outbox/", {"state": "failed", "topic": f"incident/{incident.pk}/updates"}).content.decode()
    assert found.count('<details class="mu-fold">') == 1
    for other in ("incident/999/updates", "\x00"):
        assert client.get("/outbox/", {"state": "failed", "topic": other}).status_code == 200
