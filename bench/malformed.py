"""1,000 bodies that no sender should send: never a 5xx, and what can page, pages."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator

from bench import load, stack, table

SEED = 20261014


def bodies(*, count: int, big: int = 10 * 1024 * 1024) -> Iterator[bytes]:
    """Hostile bodies, the same for the same count."""
    chance = random.Random(SEED)
    good = load.alertmanager("Bad", "bad", count=3)
    made = [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"title": "\xc3\x28"}',
        b'{"title": "x", "dedup_key": ' + b"9" * 5000 + b"}",
        b'{"title": "x", "severity": ' + b"-" + b"1" * 5000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"title": "deep", "labels": ' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"title": NaN, "dedup_key": Infinity}',
        b'{"title": "x", "dedup_key": 1e999}',
        b'{"title": "nul \\u0000 here", "dedup_key": "nul\\u0000"}',
        b'{"title": "lone \\ud800 surrogate", "dedup_key": "\\udfff"}',
        b'{"title": "line\\nbreak\\r\\nBcc: x", "dedup_key": "newline"}',
        b'{"title": {"a": 1}, "dedup_key": ["b"]}',
        b'{"title": true, "dedup_key": 1.5, "severity": {}, "labels": 7}',
        b'{"title": "x", "dedup_key": "' + b"k" * 100_000 + b'"}',
        b'{"title": "' + b"t" * big + b'", "dedup_key": "big"}',
        b'{"alerts": {"a": 1}, "groupKey": 7, "version": "4"}',
        b'{"alerts": [1, null, "x", [], {"labels": []}], "groupKey": {}, "status": 5}',
        b'{"alerts": [{"status": "firing", "labels": {"a": {"b": 1}}, "startsAt": "never"}], "groupKey": "x"}',
    ]
    yield from made
    for _ in range(count - len(made)):
        body = bytearray(good)
        for _ in range(chance.randint(1, 12)):
            position = chance.randrange(len(body))
            action = chance.random()
            if action < 0.4:
                body[position] = chance.randrange(256)
            elif action < 0.7:
                del body[position : position + chance.randint(1, 40)]
            else:
                body[position:position] = chance.choice(
                    [b"\x00", b"\\ud83d", b"[[", b'"', b"1e400", b"\xed\xa0\x80", b"-"]
                )
        yield bytes(body)


def main(*, count: int = 1000) -> None:
    """Send each to both formats; print the answers by status."""
    with stack.running() as muster:
        rows = []
        for format in ("alertmanager", "generic"):
            path = f"/integrations/{muster.keys[format]}/{format}"
            answers = load.post_all(muster.port, path, bodies(count=count), connections=4)
            statuses = Counter(answer.status for answer in answers)
            rows.append(
                [format, len(answers), json.dumps(dict(sorted(statuses.items()))), max(a.seconds for a in answers)]
            )
            assert not [status for status in statuses if status >= 500 or status == 0], statuses
        muster.wait_until("SELECT count(*) FROM alerts_event WHERE state = 'pending'", equals=0, seconds=120)
        muster.wait_until(
            "SELECT count(*) FROM incidents_incident i WHERE i.status = 'triggered' AND i.severity = 'critical'"
            " AND NOT EXISTS (SELECT FROM notifications_notification n"
            " WHERE n.topic = 'incident/' || i.id AND n.state = 'sent')",
            equals=0,
            seconds=120,
        )
        ((failed,),) = muster.query("SELECT count(*) FROM alerts_event WHERE state = 'failed'")
        subjects = [mail.subject for mail in muster.sink.mails()]
        table.show("Malformed bodies (asked: never a 5xx)", rows, head=["format", "bodies", "answers", "slowest, s"])
        assert failed == 0, f"{failed} accepted events could not be applied"
        for word in ("line break Bcc: x", "nul"):
            assert any(word in subject for subject in subjects), f"no page for {word!r}"
