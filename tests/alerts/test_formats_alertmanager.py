"""Alertmanager's webhook: recorded requests of the real program, and what other senders make of the format."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.formats import FORMATS, Delivery, Unusable, alertmanager
from alerts.formats.alertmanager import group_key

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "recordings"
NOW = datetime(2026, 11, 23, 13, 20, tzinfo=UTC)


def recorded(name: str) -> list[dict[str, Any]]:
    """The bodies of the webhook requests in a recording, in order; other receivers' requests are left out."""
    exchanges = json.loads((RECORDINGS / f"alertmanager_{name}.json").read_text())["exchanges"]
    return [body for exchange in exchanges if "alerts" in (body := exchange.get("json") or {})]


def parse(payload: object, **changes: Any) -> Delivery:
    return alertmanager.parse(payload, **{"received_at": NOW, "default_severity": "medium", **changes})


def alert(name: str = "Disk", **changes: Any) -> dict[str, Any]:
    """One firing alert as Alertmanager writes it."""
    return {
        "status": "firing",
        "labels": {"alertname": name, "severity": "critical", **changes.pop("labels", {})},
        "annotations": {},
        "startsAt": "2026-11-23T13:14:02.269871335Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{name.lower()}-print",
        **changes,
    }


def webhook(*alerts: object, **changes: Any) -> dict[str, Any]:
    return {"status": "firing", "receiver": "all", "groupKey": "{}:{}", "alerts": list(alerts), **changes}


ALL_RECORDED = [
    pytest.param(body, id=f"{path.stem.removeprefix('alertmanager_')}-{number}")
    for path in sorted(RECORDINGS.glob("alertmanager_*.json"))
    for number, body in enumerate(recorded(path.stem.removeprefix("alertmanager_")))
]


@pytest.mark.parametrize("body", ALL_RECORDED)
def test_every_recorded_request_keeps_its_alerts_and_their_states(body: dict[str, Any]) -> None:
    delivery = parse(body)
    real = [each for each in body["alerts"] if "_trimmed" not in each]
    assert [(item.fingerprint, item.status) for item in delivery.items] == [
        (each["fingerprint"], each["status"]) for each in real
    ]
    assert delivery.status == body["status"]
    assert delivery.group_key == group_key(body) == body["groupKey"]
    assert delivery.truncated == body["truncatedAlerts"]
    json.dumps([item.labels | item.annotations for item in delivery.items], ensure_ascii=False).encode()
    assert "\\x00" not in repr(delivery)


def test_three_fire_and_one_resolves_as_recorded() -> None:
    fired, _, _, _, _, partial, resolved, _ = map(parse, recorded("fire_partial_resolve"))
    assert fired.group_key == partial.group_key == resolved.group_key
    assert [(each.status, [item.status for item in each.items]) for each in (fired, partial, resolved)] == [
        ("firing", ["firing", "firing", "firing"]),
        ("firing", ["firing", "firing", "resolved"]),
        ("resolved", ["resolved", "resolved"]),
    ]
    assert fired.severity == "critical"
    assert fired.facts == {"alertname": "HighErrorRate", "service": "checkout"}
    assert fired.title == "HighErrorRate: Error rate 12% — ünïcødé 🔥 (+2 more)"
    assert fired.description == "line1\nline2"
    assert fired.link == "http://prom.example/graph?g0.expr=x"
    assert fired.warnings == ()


def test_truncated_list_says_how_many_alerts_are_missing() -> None:
    truncated = parse(recorded("fire_partial_resolve")[1])
    assert (len(truncated.items), truncated.truncated) == (2, 1)
    assert truncated.warnings == ("1 alerts were left out by the sender (max_alerts)",)
    assert truncated.title.endswith("(+2 more)")


def test_hostile_bytes_as_recorded_become_storable() -> None:
    delivery = parse(recorded("odd_payloads")[0])
    nul = delivery.items[2]
    assert delivery.items[0].labels["instance"] == "a\ufffdb"
    assert nul.annotations == {"summary": "a\ufffdb\u202e\u2028🔥", "x": "<script>alert(1)</script>"}
    assert nul.title == "Odd: a\ufffdb 🔥"


def test_clock_an_hour_ahead_is_clamped_to_the_receipt() -> None:
    ahead = recorded("clock_skew")[1]
    received_at = datetime(2026, 11, 23, 13, 14, 20, tzinfo=UTC)
    (item,) = parse(ahead, received_at=received_at).items
    assert (item.status, item.started_at, item.ended_at) == ("firing", received_at, None)


def test_nanoseconds_are_cut_and_the_year_one_is_no_time() -> None:
    (item,) = parse(webhook(alert())).items
    assert (item.started_at, item.ended_at) == (datetime(2026, 11, 23, 13, 14, 2, 269871, tzinfo=UTC), None)
    (item,) = parse(webhook(alert(startsAt="0001-01-01T00:00:00+05:00"))).items
    assert item.started_at is None


@pytest.mark.parametrize("wrong", ["", "yesterday", "9999-12-31T23:59:59-12:00", 1764000000, None, {}])
def test_unreadable_time_is_no_time(wrong: object) -> None:
    (item,) = parse(webhook(alert(startsAt=wrong))).items
    assert item.started_at is None


def test_alert_never_ends_before_it_starts_or_after_its_receipt() -> None:
    backwards = alert("A", status="resolved", startsAt="2026-11-23T13:00:00Z", endsAt="2026-11-23T12:00:00Z")
    ahead = alert("B", status="resolved", startsAt="2026-11-23T13:00:00Z", endsAt="2026-11-24T12:00:00Z")
    first, second = parse(webhook(backwards, ahead)).items
    assert first.ended_at == NOW - timedelta(minutes=20)
    assert second.ended_at == NOW


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (None, ""),
        ([], ""),
        ("alerts", ""),
        ({}, "alerts"),
        (webhook(), "alerts"),
        (webhook() | {"alerts": {}}, "alerts"),
        ({"alerts": [alert(labels={}) | {"labels": {}}]}, "groupKey"),
    ],
)
def test_request_of_the_wrong_shape_is_unusable(payload: object, field: str) -> None:
    with pytest.raises(Unusable) as refusal:
        parse(payload)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("text", "not an object"),
        (None, "not an object"),
        ({"labels": ["alertname"]}, "labels is not an object"),
        ({"labels": {}}, "neither a fingerprint nor labels"),
        ({}, "neither a fingerprint nor labels"),
    ],
)
def test_bad_alert_is_left_out_and_the_others_stay(bad: object, reason: str) -> None:
    delivery = parse(webhook(bad, alert()))
    assert [item.fingerprint for item in delivery.items] == ["disk-print"]
    assert delivery.warnings == (f"an alert was left out: {reason}",)


def test_firing_request_whose_alerts_are_all_bad_still_fires() -> None:
    delivery = parse(webhook("bad", commonLabels={"alertname": "Disk"}), default_severity="high")
    assert (delivery.status, delivery.severity, delivery.title, delivery.items) == ("firing", "high", "Disk", ())


def test_unknown_status_fires_and_a_missing_one_is_the_groups() -> None:
    unknown = parse(webhook(alert(status="suppressed")))
    assert unknown.items[0].status == "firing"
    assert unknown.warnings == ("alerts: status 'suppressed' is unknown, taken for firing",)
    missing = alert()
    del missing["status"]
    assert parse(webhook(missing, status="resolved")).items[0].status == "resolved"


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        (["page"], "critical"),
        (["CRITICAL", "info"], "critical"),
        (["warning", "error"], "high"),
        (["warn"], "medium"),
        (["none"], "low"),
        ([""], "high"),
        (["weird"], "high"),
    ],
)
def test_severity_is_the_highest_that_fires(words: list[str], severity: str) -> None:
    alerts = [alert(f"A{number}", labels={"severity": word}) for number, word in enumerate(words)]
    over = alert("Over", status="resolved", endsAt="2026-11-23T13:15:00Z")
    assert parse(webhook(*alerts, over), default_severity="high").severity == severity


@pytest.mark.parametrize(
    ("alerts", "common", "title"),
    [
        ([alert()], {}, "Disk"),
        ([alert(annotations={"summary": " 91 % full\non / "})], {}, "Disk: 91 % full on /"),
        ([alert(annotations={"summary": "Disk almost full"})], {}, "Disk almost full"),
        ([alert(labels={"alertname": ""}, annotations={"message": "full"})], {}, "full"),
        ([alert() | {"labels": {"job": "a", "zone": "b"}}], {}, "job=a, zone=b"),
        ([alert("A"), alert("B"), alert("C"), alert("D")], {}, "A, B, C, … (4 alerts)"),
        (
            [alert(), alert(fingerprint="2")],
            {"commonAnnotations": {"summary": "full"}},
            "Disk: full (2 alerts)",
        ),
        ([alert(), alert("Over", status="resolved")], {}, "Disk"),
    ],
)
def test_title_tells_what_fires(alerts: list[object], common: dict[str, object], title: str) -> None:
    assert parse(webhook(*alerts, **common)).title == title


def test_long_title_keeps_its_count() -> None:
    title = parse(webhook(alert(annotations={"summary": "x" * 900}), alert(fingerprint="2"))).title
    assert len(title) == 255
    assert title.endswith("xxx (+1 more)")


def test_missing_group_key_is_made_of_what_stays_the_same() -> None:
    firing = webhook(alert("A"), alert("B"), groupLabels={"service": "x"}, commonLabels={"service": "x"})
    partial = webhook(alert("A"), groupLabels={"service": "x"}, commonLabels={"service": "x", "alertname": "A"})
    other = webhook(alert("A"), groupLabels={"service": "y"})
    for body in (firing, partial, other):
        del body["groupKey"]
    assert group_key(firing) == group_key(partial) == parse(partial).group_key
    assert group_key(firing).startswith("sha256:")
    assert group_key(other) != group_key(firing)
    bare = {"alerts": [alert("A", labels={"service": "x"}), alert("B", labels={"service": "x"})]}
    assert group_key(bare) == group_key({"alerts": bare["alerts"], "commonLabels": parse(bare).facts})


def test_missing_fingerprint_is_made_of_the_labels_in_any_order() -> None:
    one = {"labels": {"a": "1", "b": "2"}, "status": "firing"}
    same = {"labels": {"b": "2", "a": "1"}, "status": "resolved"}
    first, second = (parse(webhook(each)).items[0].fingerprint for each in (one, same))
    assert first == second
    assert first.startswith("sha256:")


def test_long_keys_are_hashed_whole() -> None:
    keys = {group_key(webhook(groupKey="x" * 255 + tail)) for tail in ("", "a", "b")}
    assert sorted(map(len, keys)) == [71, 71, 255]
    assert len(parse(webhook(alert(fingerprint="f" * 256))).items[0].fingerprint) == 71


def test_fingerprint_that_comes_twice_is_one_alert_and_firing_wins() -> None:
    delivery = parse(webhook(alert(), alert(status="resolved")))
    assert [item.status for item in delivery.items] == ["firing"]
    assert delivery.warnings == ("an alert came twice in one request",)
    assert [item.status for item in parse(webhook(alert(status="resolved"), alert())).items] == ["firing"]


def test_no_more_than_5000_alerts_and_firing_ones_first() -> None:
    over = [alert(fingerprint=f"r{number}", status="resolved") for number in range(5000)]
    delivery = parse(webhook(*over, alert(), alert("Last")))
    assert len(delivery.items) == 5000
    assert [item.fingerprint for item in delivery.items[:2]] == ["disk-print", "last-print"]
    assert delivery.truncated == 2


def test_labels_are_bounded_and_the_telling_ones_stay() -> None:
    many = {f"a{number:03}": "x" for number in range(100)} | {"service": "checkout", "severity": "critical"}
    delivery = parse(webhook(alert(labels=many | {"n" * 200: "v" * 5000}), commonLabels=many))
    (item,) = delivery.items
    assert len(item.labels) == len(delivery.facts) == 64
    assert delivery.facts["service"] == "checkout"
    assert item.labels["alertname"] == "Disk"
    (item,) = parse(webhook({"labels": {"n" * 200: "v" * 5000, "count": 3, "nested": {"a": [1]}}})).items
    assert item.labels == {"n" * 128: "v" * 4096, "count": "3", "nested": '{"a": [1]}'}


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "ftp://x/y", "//x/y", "http://", "http://[::1", "http://a b/", 5, "http://x/" * 400],
)
def test_only_web_addresses_become_links(address: object) -> None:
    delivery = parse(webhook(alert(generatorURL=address), externalURL="https://am.example"))
    assert (delivery.items[0].link, delivery.link) == ("", "https://am.example")


def test_warnings_are_bounded() -> None:
    delivery = parse(webhook(*(alert(fingerprint=str(n), labels={"severity": f"odd{n}"}) for n in range(100))))
    assert len(delivery.warnings) == 21
    assert delivery.warnings[-1] == "and 80 more warnings"


def test_the_format_is_found_by_name() -> None:
    assert FORMATS["alertmanager"].group_key(webhook()) == "{}:{}"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint")
tops = ("status", "receiver", "groupKey", "groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts")
shaken = st.fixed_dictionaries(
    {"alerts": st.lists(anything | st.fixed_dictionaries({}, optional=dict.fromkeys(fields, anything)), max_size=4)},
    optional=dict.fromkeys((*tops, "externalURL"), anything),
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(anything | shaken)
def test_any_json_gives_a_storable_delivery_or_is_unusable(payload: object) -> None:
    try:
        delivery = parse(payload)
    except Unusable:
        return
    assert delivery.group_key == group_key(payload)
    texts = [delivery.title, delivery.description, delivery.group_key, delivery.link, *delivery.warnings]
    for item in delivery.items:
        texts += [item.fingerprint, item.title, item.link, *item.labels, *item.labels.values()]
        texts += [*item.annotations, *item.annotations.values()]
    "".join([*texts, *delivery.facts, *delivery.facts.values()]).encode()
    assert "\x00" not in "".join(texts)
    assert len({item.fingerprint for item in delivery.items}) == len(delivery.items)
