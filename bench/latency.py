"""From POST of an Alertmanager alert to the e-mail handed over: with Celery, and with Redis away."""

from __future__ import annotations

from bench import load, stack, table

ASKED = "p50 <= 1 s, p99 <= 5 s"


def measure(*, count: int, per_second: float = 20.0, env: dict[str, str]) -> list[float]:
    """Seconds from the beginning of each POST until the mail server had its page."""
    with stack.running(**env) as muster:
        return of_alerts(muster, name="Latency", count=count, per_second=per_second)


def of_alerts(muster: stack.Stack, *, name: str, count: int, per_second: float) -> list[float]:
    """The same in a stack that runs already; ``name`` begins the names of these alerts and of no others."""
    sent = "SELECT count(*) FROM notifications_notification WHERE purpose = 'page' AND state = 'sent'"
    ((before,),) = muster.query(sent)
    path = f"/integrations/{muster.keys['alertmanager']}/alertmanager"
    bodies = [load.alertmanager(f"{name}{number:05}", f"{name}{number}") for number in range(count)]
    answers = load.post_all(muster.port, path, bodies, connections=1, per_second=per_second)
    assert {answer.status for answer in answers} == {202}
    muster.wait_until(sent, equals=before + count, seconds=60)
    at = {mail.subject.split(name)[1][:5]: mail.at for mail in muster.sink.mails() if name in mail.subject}
    return [at[f"{number:05}"] - answer.at for number, answer in enumerate(answers)]


def main(*, count: int = 500) -> None:
    """Print the table."""
    closed = f"redis://127.0.0.1:{stack.free_port()}/0"
    rows: list[list[object]] = []
    for name, env in (("with Celery", {}), ("Redis away", {"REDIS_URL": closed})):
        seconds = measure(count=count, env=env)
        rows.append([name, len(seconds), *(table.percentile(seconds, share) for share in (0.5, 0.9, 0.99, 1.0))])
    table.show(f"Alert to e-mail, seconds (asked: {ASKED})", rows, head=["", "alerts", "p50", "p90", "p99", "max"])
