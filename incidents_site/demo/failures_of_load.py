"""Failures that load and growth bring: lag, full disks, backlogs, spikes; and those of others: providers and DNS."""

from __future__ import annotations

from incidents_site.demo.story import Failure

REPLICA_LAG = Failure(
    name="replica lag",
    alert="PostgresReplicationLag",
    services={"postgresql": 10},
    severities=(2, 4, 4, 2),
    summaries=(
        "replica {host} is {lag} s behind its primary",
        "{few} replicas of {slug} lag more than 60 s",
        "WAL kept for {host} grew to {lag} GB",
    ),
    reports=(
        "Customers see yesterday's numbers: {service} replicas are behind",
        "{service}: read replicas stale, dashboards jump back and forth",
    ),
    descriptions=(
        "Reads that go to the replica return old rows. Writes are fine.",
        "The lag has been growing for {minutes} minutes and does not recover by itself.",
    ),
    looks=(
        "`pg_stat_replication` says *replay* lag, not *send* lag. So the replica is busy, the network is fine.",
        "Looking at {host}. A query has been running for {minutes} min and holds back replay.",
    ),
    findings=(
        "Found it: the export of {tenant} runs on the replica and conflicts with replay.\n\n"
        "```sql\nselect pid, now() - xact_start, left(query, 60) from pg_stat_activity order by 2 desc;\n```",
        "A backfill writes {count} rows a minute in one transaction each. WAL is {times} times the normal rate.",
        "Disk of {host} is saturated: autovacuum and replay compete since midnight.",
    ),
    mitigation="fix_applied",
    actions=(
        "Cancelled the export and moved reporting to its own replica.",
        "Throttled the backfill to 2,000 rows a second; moved reads to the primary for now.",
        "Took {host} out of the read pool and added {other} from the snapshot.",
    ),
    watches=(
        "Lag falls by about 8 s every second. Should be at zero in {minutes} min.",
        "Caught up. Put {host} back into the pool, lag stays under 1 s.",
    ),
    causes=(
        "A long export on the replica blocked replay, because hot_standby_feedback was off for it.",
        "A backfill ran without throttling during the morning peak.",
        "The replica had half of the primary's disk throughput since the last resize.",
    ),
    evidence=(
        ("metric", "Replay lag by replica", "https://grafana.finchlight.example/d/postgresql/replication"),
        ("log", "Long transactions on {host}", "https://logs.finchlight.example/host/{host}?q=duration"),
        ("link", "Backfill job {number}", "https://jobs.finchlight.example/run/{number}"),
    ),
)

DISK = Failure(
    name="disk full",
    alert="DiskAlmostFull",
    services={"kafka": 5, "postgresql": 4, "search-index": 4, "object-storage": 3, "observability": 4, "ci": 4},
    severities=(3, 5, 8, 9),
    summaries=(
        "{full} % of /data on {host} is used",
        "/data on {host} will be full in {minutes} minutes at this rate",
        "{few} hosts of {slug} have less than 10 % of their disk left",
    ),
    reports=(
        "{service} refuses writes: no space left on {host}",
        "{service}: writes fail with ENOSPC in {region}",
    ),
    descriptions=(
        "Usage on {host} grew by {pct} % since yesterday; normally it is 2 % a week.",
        "Writes on {host} fail with `No space left on device`. The other hosts carry the load so far.",
    ),
    looks=(
        "`du` is running. First impression: it is not our data, it is logs.",
        "{host} only. {other} has the same role and is at 51 %, so something local.",
    ),
    findings=(
        "Debug logging was left on after yesterday's session: {count} lines a minute into `/data/log`.",
        "Old segments are not deleted: retention by *time* is set, retention by *size* is not, and volume doubled.",
        "A failed compaction leaves its temporary files behind, {times} times {lag} GB by now.",
    ),
    mitigation="fix_applied",
    actions=(
        "Deleted the logs on {host} and switched debug logging off.",
        "Set retention by size and grew the volume by 500 GB while the segments expire.",
        "Removed the left-over temporary files and started the compaction again with a limit.",
    ),
    watches=(
        "Down to 63 % and flat. Checking the other hosts for the same leftovers.",
        "Writes work again; the backlog of {count} messages is being worked off.",
    ),
    causes=(
        "Debug logging stayed on after a debugging session; nothing rotates that file.",
        "Retention was bounded by time only, and daily volume had doubled within a month.",
        "Failed compactions do not clean up their temporary files.",
    ),
    evidence=(
        ("metric", "Disk usage of {slug}", "https://grafana.finchlight.example/d/{slug}/disk"),
        ("screenshot", "du of {host}", "https://files.finchlight.example/du/{number}.png"),
        ("log", "Compaction on {host}", "https://logs.finchlight.example/host/{host}?q=compaction"),
    ),
)

BACKLOG = Failure(
    name="queue backlog",
    alert="ConsumerLagHigh",
    services={"kafka": 7, "ingest-pipeline": 7, "notifications": 4, "billing": 3, "search-index": 3},
    severities=(4, 8, 9, 5),
    summaries=(
        "consumer group {slug}-main is {count} messages behind",
        "oldest message of {slug} waits for {minutes} minutes",
        "{slug} takes in less than it is given for 10 minutes",
    ),
    reports=(
        "{service}: new documents appear {minutes} minutes late",
        "{tenant}: imports stuck in {service}",
        "{service} deliveries delayed",
    ),
    descriptions=(
        "Work arrives faster than it is done. Nothing is lost, everything is late.",
        "Freshness of search results is {minutes} minutes; we promise 5.",
    ),
    looks=(
        "Lag grows on {few} of 24 partitions only, so one key is hot. Looking which.",
        "Consumers are up, CPU is low. They wait for something; checking downstream.",
        "Rebalancing every minute. Heartbeats of {host} come too late.",
    ),
    findings=(
        "Hot key: {tenant} imports {count} documents and all of them hash to one partition.",
        "One poison message is retried for ever and blocks its partition:\n\n"
        "```\nDecodeError at offset {number}: unknown field 'embedding_v2'\n```",
        "Each batch writes one row at a time since {version}; batch time went from 40 ms to {ms} ms.",
    ),
    mitigation="scaled",
    actions=(
        "Moved {tenant} to a topic of its own and doubled the partitions.",
        "Skipped the poison message into the dead-letter topic; consumers move again.",
        "Scaled the consumers from 8 to 24 and raised the fetch size.",
    ),
    watches=(
        "Draining at {count} messages a minute; should be done in {minutes} min.",
        "Lag is gone. Leaving the extra consumers in place until tomorrow.",
    ),
    causes=(
        "One tenant's bulk import hashed to a single partition.",
        "A message with an unknown field was retried without limit instead of going to the dead-letter topic.",
        "Batch writing was lost in {version}: each message became its own transaction.",
    ),
    evidence=(
        ("metric", "Lag by partition", "https://grafana.finchlight.example/d/kafka/lag?group={slug}"),
        ("log", "Consumer log of {host}", "https://logs.finchlight.example/host/{host}"),
        ("trace", "Batch {number}", "https://traces.finchlight.example/t/{number}"),
    ),
)

PROVIDER = Failure(
    name="provider outage",
    alert="ProviderErrors",
    services={"ai-service": 7, "object-storage": 4, "billing": 4, "notifications": 3, "auth": 2},
    severities=(5, 8, 5, 2),
    summaries=(
        "{pct} % of calls from {slug} to its provider fail",
        "{slug} provider latency in {region} is {ms} ms",
        "{slug} got {count} timeouts from its provider in 10 minutes",
    ),
    reports=(
        "{service}: our provider has an outage in {region}",
        "{service} degraded, provider confirms a problem",
    ),
    descriptions=(
        "Calls to the provider time out. Their status page is green so far.",
        "Everything that needs the provider fails in {region}; fallbacks carry part of it.",
    ),
    looks=(
        "Not us: failures are the same from three regions and a laptop. Opened a ticket with them, number {number}.",
        "Circuit breaker of {host} is open, fallback is serving. Quality is lower, but people get answers.",
    ),
    findings=(
        "Provider confirms: network fault in one of their zones, no time given. Moving {region} away.",
        "They throttle us far below the agreed quota since their maintenance. Retrying makes it *worse*, so don't.",
    ),
    mitigation="fix_applied",
    actions=(
        "Failed over to the neighbouring region; latency is 40 ms higher, errors are gone.",
        "Routed {region} to the second provider and raised its quota.",
    ),
    watches=(
        "Provider says it is fixed. Moving 10 % back and watching.",
        "Back to normal routing since {minutes} min, no errors.",
    ),
    causes=(
        "Outage of the provider in {region} (their {number}). Our fail-over is manual, which cost most of the time.",
        "The provider throttled us below the agreed quota after a change on their side.",
    ),
    evidence=(
        ("link", "Provider's status page", "https://status.provider.example/incidents/{number}"),
        ("metric", "Provider calls by result", "https://grafana.finchlight.example/d/{slug}/provider"),
        ("log", "Timeouts in {region}", "https://logs.finchlight.example/app/{slug}?region={region}&q=timeout"),
    ),
)

SPIKE = Failure(
    name="traffic spike",
    alert="RequestsAboveCapacity",
    services={"query-engine": 6, "api-gateway": 5, "web-app": 3, "search-index": 4, "ai-service": 4, "dashboards": 2},
    severities=(5, 6, 8, 4),
    summaries=(
        "{slug} gets {times} times its usual traffic",
        "{slug} sheds {pct} % of its load in {region}",
        "queue of {host} is full, p95 is {ms} ms",
    ),
    reports=(
        "{service} is slow for everybody in {region}",
        "{tenant} floods {service} with queries",
    ),
    descriptions=(
        "Traffic is {times} times the usual for this hour. Latency rises for all tenants.",
        "Autoscaling reached its maximum {minutes} minutes ago and load is shed since.",
    ),
    looks=(
        "Top talker is {tenant} with {pct} % of all queries. Writing to them, and looking at their limit.",
        "Autoscaler sits at its maximum of 40. Capacity is there, the limit is ours.",
    ),
    findings=(
        "Their new release retries at once on every 429, without back-off. So our limit makes it worse.",
        "The cache hit ratio fell from 86 % to 31 %: the queries carry a random parameter since today.",
        "A crawler reads every facet combination of {tenant}'s shop, {count} addresses so far.",
    ),
    mitigation="scaled",
    actions=(
        "Scaled {slug} to twice its size and put {tenant} on a queue of their own.",
        "Raised the autoscaler's maximum to 80 and added two nodes in {region}; dropped the parameter.",
        "Limited the crawler at the edge and raised the autoscaler's maximum to 80.",
    ),
    watches=(
        "Latency is back at 240 ms. Writing to {tenant} about it.",
        "Shedding stopped. Keeping the extra capacity over the weekend.",
    ),
    causes=(
        "A customer's client retried rejected calls at once, which multiplied a normal peak.",
        "A random query parameter made every request miss the cache.",
        "A crawler read every facet combination, and the autoscaler's maximum was the one of last spring.",
    ),
    evidence=(
        ("metric", "Requests by tenant", "https://grafana.finchlight.example/d/{slug}/tenants"),
        ("metric", "Cache hit ratio", "https://grafana.finchlight.example/d/{slug}/cache"),
        ("screenshot", "Autoscaler at its limit", "https://files.finchlight.example/hpa/{number}.png"),
    ),
)

DNS = Failure(
    name="DNS",
    alert="DnsLookupsFail",
    services={"edge": 7, "auth": 3, "web-app": 3, "object-storage": 2, "kafka": 2},
    severities=(5, 6, 5, 3),
    summaries=(
        "{pct} % of lookups from {slug} fail in {region}",
        "{slug}.finchlight.example does not resolve from {few} of 12 places",
        "resolver near {host} answers in {ms} ms",
    ),
    reports=(
        "{service} cannot be found from {region}",
        "{reporter} and {tenant} cannot reach {service}; works from the office",
    ),
    descriptions=(
        "Names do not resolve, or resolve to an address that we gave back last month.",
        "Some resolvers answer `SERVFAIL`. What is cached still works, which hides how bad it is.",
    ),
    looks=(
        "`dig +trace` ends at our second name server. The first one answers correctly.",
        "Only clients behind the {region} resolver. Restarting one of its pods changes nothing.",
    ),
    findings=(
        "The zone on the second server has serial {number}, the first one is {few} ahead. Transfer fails since Monday.",
        "`ndots:5` turns each lookup into six. The resolver hits its packet limit at peak.",
        "The record was removed with an old load balancer; its TTL ran out {minutes} min ago.",
    ),
    mitigation="fix_applied",
    actions=(
        "Repaired the zone transfer; both servers have the same serial now.",
        "Scaled the resolver to 6 pods and set `ndots:2` for {slug}.",
        "Restored the record and lowered its TTL to 60 s.",
    ),
    watches=(
        "Resolves from 12 of 12 places. Caches of others will need up to an hour.",
        "Lookup errors at zero for {minutes} min.",
    ),
    causes=(
        "Zone transfers had failed silently for days, and the second server went stale.",
        "The resolver's packet limit was reached, because each lookup was tried with six suffixes.",
        "A clean-up removed a record that was still in use; nothing said who owned it.",
    ),
    evidence=(
        ("link", "Probe results by place", "https://probes.finchlight.example/run/{number}"),
        ("metric", "Lookup errors in {region}", "https://grafana.finchlight.example/d/dns?region={region}"),
        ("log", "Zone transfer log", "https://logs.finchlight.example/host/ns-2?q=transfer"),
    ),
)

FAILURES = (REPLICA_LAG, DISK, BACKLOG, PROVIDER, SPIKE, DNS)
