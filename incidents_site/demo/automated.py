"""Actions of Finchlight: what ran by itself, what was asked for, and what waits for a second person."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from automation import asking, defining, executing, runners
from automation.asking import Wish
from automation.models import Action, Runner, Way
from automation.parameters import Parameter
from incidents.models import Incident, Status
from incidents_site.demo import under_way
from incidents_site.demo.people import free
from runbooks import editing
from runbooks.guides import Guide, Step
from runbooks.models import Runbook

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from automation.models import Execution
    from incidents_site.demo.company import Company

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DOMAIN = "finchlight.example"
SLUG = "kafka-brokers-write-slowly"

GROUP = Parameter("group", label="Consumer group", fact="consumer_group", default="ingest-main")
REGION = Parameter("region", "choice", choices=("eu-west", "us-east", "ap-south"), fact="region", default="eu-west")
BROKER = Parameter("broker", "choice", choices=("kafka-3", "kafka-5", "kafka-7"), default="kafka-3")
REPLICAS = Parameter("replicas", "integer", minimum=2, maximum=24, default=12)
VERSION = Parameter("version", "text", label="Version to go back to", pattern=r"v[0-9]+\.[0-9]+\.[0-9]+")

LAG = """\
GROUP        TOPIC      PARTITION  CURRENT    LOG-END    LAG
ingest-main  documents  0          8123411    8123460        49
ingest-main  documents  1          7991200    9204118   1212918
ingest-main  documents  2          8010077    9198003   1187926
ingest-main  documents  3          8120031    8120077        46
ingest-main  documents  4          7987745    9201340   1213595
"""
ERRORS = """\
last 5 minutes, by version and answer
version   200     503     share of 503
{version:<8}  61,204  31,702  34.1 %
newest error, query-engine-2:
  planner: unknown column type 'vector(768)', request token=abcd1234efgh
"""
WRITE_CACHE = """\
would set /sys/block/nvme1n1/queue/write_cache to "write back" on kafka-3
now: "write through"; nothing was changed
"""


SLOW_DISKS = Guide(
    title="Kafka brokers write slowly",
    summary="For brokers whose flush times rise while the network and the clients are idle. It takes ten minutes.",
    services=("kafka",),
    severities=("critical", "high"),
    steps=(
        Step(
            "See how far consumers are behind",
            "Partitions of slow brokers fall behind, the others stay near 0. If all of them fall behind, the consumers "
            "are slow: follow *Consumer lag resolution* instead.",
            "kafka-lag",
        ),
        Step(
            "Switch on the write cache of one broker",
            "Begin with a dry run: it says which disk it would change. Somebody else has to approve the change.\n\n"
            "**Danger:** with the cache on, a broker that loses power loses what it has not written. Its replicas keep "
            "it.",
            "write-cache",
        ),
        Step(
            "Watch for five minutes",
            "Flush times of that broker fall below 10 ms, and its lag shrinks. If they do not, ask for the rollback of "
            "the disk's firmware at the vendor and move the leaders away: *Partition rebalance*.",
        ),
        Step("Do the same at the other brokers", "One after the other: two replicas of a partition must not wait."),
    ),
)


def load(company: Company, *, now: datetime) -> list[Execution]:
    """Define the actions, and have them asked for at the incidents that are under way, with the functions that pages
    and runners use."""
    kafka = _by_runner(company, now=now)
    _by_request(company)
    slug = free(SLUG, set(Runbook.objects.values_list("slug", flat=True)))
    data = company.services["kafka"].team
    editing.create(SLOW_DISKS, slug=slug, team=data, by=company.users["sam"], now=now - timedelta(days=40))
    incidents = Incident.objects.filter(is_demo=True, merged_into=None)
    late = incidents.filter(status=Status.INVESTIGATING).latest("id")
    outage = incidents.filter(status=Status.TRIGGERED).latest("id")
    sam, jonas = company.users["sam"], company.users["jonas"]
    lag, errors, cache = kafka["kafka-lag"], kafka["query-errors"], kafka["write-cache"]
    by_itself: dict[str, Any] = {"by": None, "is_automatic": True}
    done = [
        _carried_out(lag, late, LAG, at=late.created_at + 2 * SECOND, **by_itself),
        _carried_out(
            errors, outage, ERRORS.format(version=_version_in(outage)), at=outage.created_at + 2 * SECOND, **by_itself
        ),
        _carried_out(cache, late, WRITE_CACHE, at=late.created_at + 25 * MINUTE, by=sam, is_dry_run=True),
    ]
    waits, _ = asking.ask(cache, late, Wish({"broker": "kafka-3"}), by=jonas, now=now - 4 * MINUTE)
    under_way.hand_over_pages(late, random.Random(late.pk))
    return [*done, waits]


def _version_in(incident: Incident) -> str:
    found = re.search(r"v[0-9.]+[0-9]", incident.title)
    return found[0] if found else "current"


def _by_runner(company: Company, *, now: datetime) -> dict[str, Action]:
    """What a runner beside the systems may do."""
    runner, _ = runners.create(name="finchlight-prod", by=None, is_demo=True)
    one, two = company.services["kafka"], company.services["query-engine"]
    reads: dict[str, Any] = {"is_read_only": True, "is_automatic": True, "runner": runner, "way": Way.RUNNER}
    made = [
        _define(
            "kafka-lag",
            "Consumer lag",
            "Shows how far a consumer group is behind, by partition.",
            [GROUP],
            [one, company.services["ingest-pipeline"]],
            **reads,
        ),
        _define(
            "query-errors",
            "Errors by version",
            "Counts the answers of the last five minutes, by version of the Query Engine.",
            [REGION],
            [two],
            **reads,
        ),
        _define(
            "write-cache",
            "Switch on the write cache",
            "Sets the disks of one broker to “write back”. What is in the cache is lost if the broker loses power.",
            [BROKER],
            [one],
            kind=Action.Kind.FIX,
            way=Way.RUNNER,
            runner=runner,
            is_destructive=True,
            has_dry_run=True,
        ),
    ]
    offers = [
        {
            "name": action.command,
            "description": action.summary,
            "read_only": action.is_read_only,
            "has_dry_run": action.has_dry_run,
            "parameters": [{"name": each.name, "type": each.type} for each in action.takes],
        }
        for action in made
    ]
    runners.heard(runner, version="1", host="bastion-1", offers=offers, now=now)
    return {action.command: action for action in made}


def _by_request(company: Company) -> None:
    """What other systems are asked for."""
    engine, ai = company.services["query-engine"], company.services["ai-service"]
    _define(
        "roll-back-query-engine",
        "Roll back the Query Engine",
        "Starts the workflow that puts an older version in place, region by region. It takes about six minutes.",
        [VERSION],
        [engine],
        kind=Action.Kind.ROLLBACK,
        way=Way.HTTP,
        format=Action.Format.GITHUB,
        url=f"https://github.{DOMAIN}/api/v3/repos/finchlight/query-engine/actions/workflows/rollback.yml/dispatches",
        target="main",
        is_destructive=True,
        has_dry_run=True,
    )
    _define(
        "scale-ai-service",
        "Scale the AI Service",
        "Sets how many replicas answer questions.",
        [REPLICAS],
        [ai],
        kind=Action.Kind.SCALE,
        way=Way.HTTP,
        format=Action.Format.ARGO,
        url=f"https://argo.{DOMAIN}/api/v1/workflows/ops/submit",
        target="scale-ai-service",
        has_dry_run=True,
    )


def _define(slug: str, name: str, summary: str, parameters: Any, services: Any, **fields: Any) -> Action:
    """An action of the demo; a slug that a real one has gets another ending."""
    own = {"parameters": parameters, "services": services, "is_demo": True, "by": None}
    taken = set(Action.objects.values_list("slug", flat=True))
    if fields["way"] == Way.RUNNER:
        own["command"] = slug
    return defining.create(slug=free(slug, taken), name=name, summary=summary, **own, **fields)[0]


def _carried_out(
    action: Action, incident: Incident, output: str, *, by: User | None, at: datetime, **wish: Any
) -> Execution:
    """Asked for, taken, and done a moment later."""
    values = {each.name: each.default for each in action.takes}
    execution, _ = asking.ask(action, incident, Wish(values, **wish), by=by, now=at)
    runner = action.runner
    assert isinstance(runner, Runner)
    work = executing.take(runner, now=at + SECOND)
    assert work is not None
    executing.begin(runner, work.execution, work.token, now=at + SECOND)
    executing.hear(runner, work.execution, work.token, offset=0, text=output, now=at + 2 * SECOND)
    executing.end(runner, work.execution, work.token, outcome="done", exit_code=0, detail="", now=at + 3 * SECOND)
    return execution
