"""Failures that a change of our own brings: deploys, configuration, leaks, forgotten certificates."""

from __future__ import annotations

from incidents_site.demo.story import Failure

DEPLOY = Failure(
    name="deploy regression",
    alert="HighErrorRate",
    services={
        "ai-service": 6,
        "query-engine": 6,
        "web-app": 5,
        "api-gateway": 4,
        "billing": 3,
        "auth": 2,
        "dashboards": 3,
        "search-index": 2,
        "notifications": 2,
    },
    severities=(9, 9, 6, 3),
    summaries=(
        "{pct} % of requests to {slug} fail in {region}",
        "5xx ratio of {slug} above 2 % for 5 minutes ({region})",
        "p99 latency of {slug} is {ms} ms, limit 1,500 ms",
    ),
    reports=(
        "{service}: errors since the {version} rollout",
        "{service} answers 502 for about {pct} % of requests",
        "{tenant} reports failing requests to {service}",
    ),
    descriptions=(
        "The error ratio went up within minutes of the {version} rollout. Users see a retry page.",
        "Requests fail with `502 upstream reset`; retries mostly succeed. First seen in {region}.",
        "Reported by {reporter}: {tenant} cannot load results since this morning.",
    ),
    looks=(
        "Looking. Errors started with the {version} rollout, {minutes} min ago. Checking which pods are affected.",
        "Error ratio is {pct} % and flat, so not a traffic effect. **Only {version} pods**, {previous} is clean.",
        "On it. Dashboard confirms it, logs are full of:\n\n```\nERR upstream reset slug={slug} host={host}\n```",
    ),
    findings=(
        "Found it: {version} reads the new field without a default, and older rows do not have it.\n\n"
        "- fails: rows written before the migration\n- works: everything newer\n\nProposing a rollback to {previous}.",
        "Connection pool is exhausted: {version} opens twice as many connections a worker. p99 wait is {ms} ms.",
        "Reproduced on staging with {tenant}'s data. The cache key lost its version prefix, so old objects come back.",
        "`git log {previous}..{version}`: #{number} adds a call *without a timeout*. The author agrees.",
    ),
    mitigation="rolled_back",
    actions=(
        "Rolled back {slug} to {previous} in all regions.",
        "Rolled back to {previous}; the pool has room again.",
        "Rolled {slug} back to {previous} and emptied the cache in {region}.",
        "Rolled back to {previous} and froze deploys of {slug} until #{number} is fixed.",
    ),
    watches=(
        "Error ratio back under 0.2 % {minutes} min after the rollback. Keeping an eye on it for half an hour.",
        "All pods on {previous}. Replaying the {count} failed requests from the queue.",
        "Green in every region. Told {reporter}; {tenant} confirms that it works again.",
    ),
    causes=(
        "{version} assumed a field that rows written before the migration do not have. The canary ran on new rows.",
        "A change in {version} doubled the connections a worker opens; the pool was sized for {previous}.",
        "The cache key of {slug} lost its version prefix in #{number}, so {version} read objects of {previous}.",
        "Missing timeout on a new call in {version}: one slow dependency held every worker.",
    ),
    evidence=(
        ("metric", "Error ratio of {slug} by version", "https://grafana.finchlight.example/d/{slug}/errors"),
        ("log", "{slug} errors, {region}", "https://logs.finchlight.example/app/{slug}?region={region}&level=error"),
        ("trace", "Trace {number}: time spent waiting for the pool", "https://traces.finchlight.example/t/{number}"),
        ("link", "Change #{number}", "https://git.finchlight.example/finchlight/{slug}/pull/{number}"),
    ),
)

CONFIG = Failure(
    name="bad configuration",
    alert="ConfigRejected",
    services={"api-gateway": 5, "ai-service": 3, "kafka": 3, "edge": 4, "ingest-pipeline": 4, "auth": 2, "ci": 3},
    severities=(5, 7, 6, 5),
    summaries=(
        "{slug} refused its configuration on {few} of 9 hosts",
        "{slug} rate limit rejects {pct} % of calls in {region}",
        "{slug} is running with a configuration older than {minutes} minutes",
    ),
    reports=(
        "{service}: wrong limits after a configuration change",
        "{tenant} is limited to the free plan's rate on {service}",
        "{service} sends {region} traffic to the wrong cluster",
    ),
    descriptions=(
        "A configuration change went out to {region} and {slug} does not accept it; the old one is still in memory.",
        "Callers get `429` far below their limit. Started right after the limits were edited.",
        "Reported by {reporter}. Works in the other regions.",
    ),
    looks=(
        "Comparing the rendered configuration with yesterday's. {few} files differ, two of them should not.",
        "Only {region}. The config service says `applied`, {host} says `rejected: unknown key`. Digging.",
    ),
    findings=(
        "The limit is in *requests per minute* now, the template still writes *per second*. So everybody has 1/60.",
        "A merge brought back an old block:\n\n```yaml\nupstream:\n  {slug}: {region}-old\n```\n\nReverting it.",
        "Validation passed because the schema for `{slug}` was not updated with #{number}.",
    ),
    mitigation="rolled_back",
    actions=(
        "Restored yesterday's limits for all tenants; reload confirmed on 9 of 9 hosts.",
        "Reverted configuration change #{number} and reloaded {slug} on all hosts.",
        "Took #{number} back and brought the schema up to date; all hosts accept the file.",
    ),
    watches=(
        "429s are gone. {tenant} is at {count} calls an hour again, which is normal for them.",
        "All hosts report the same configuration hash. Closing soon.",
    ),
    causes=(
        "The unit of a rate limit changed from seconds to minutes in the service, but not in the template.",
        "A merge conflict was resolved with the old side; the review diff did not show generated files.",
        "Configuration is validated against a schema that was one release behind.",
    ),
    evidence=(
        ("link", "Configuration change #{number}", "https://git.finchlight.example/finchlight/config/pull/{number}"),
        ("metric", "Rejected calls in {region}", "https://grafana.finchlight.example/d/{slug}/limits"),
        ("log", "Reload log of {host}", "https://logs.finchlight.example/host/{host}"),
    ),
)

LEAK = Failure(
    name="memory leak",
    alert="ContainerMemoryHigh",
    services={"ai-service": 6, "query-engine": 4, "web-app": 3, "dashboards": 3, "notifications": 2, "search-index": 2},
    severities=(2, 5, 8, 6),
    summaries=(
        "{host} uses {full} % of its memory limit",
        "{slug} was OOM-killed {times} times in 30 minutes",
        "Resident memory of {slug} grows by {lag} MB an hour",
    ),
    reports=(
        "{service} restarts every hour or so",
        "{service}: slow answers, pods are being OOM-killed",
    ),
    descriptions=(
        "Pods of {slug} grow until they are killed. Requests in flight are lost each time.",
        "Memory has been climbing since {version}; the graph is a saw-tooth.",
    ),
    looks=(
        "Saw-tooth since {version}. Taking a heap dump of {host} before it goes.",
        "{times} restarts so far, all in {region}. Raised the replica count by one to have air.",
    ),
    findings=(
        "Heap dump: {count} live `QueryContext` objects, all held by the retry callback. We never drop it on success.",
        "Growth is proportional to *distinct tenants*, not to traffic. Smells like an unbounded cache.",
        "Metric labels contain the query text, so every query makes a new time series in the process.",
    ),
    mitigation="fix_applied",
    actions=(
        "Scheduled a rolling restart every 4 h and shipped the fix from #{number} behind it.",
        "Bounded the cache at 50,000 entries and rolled it out to {slug}.",
        "Dropped the label in #{number} and restarted {slug} region by region.",
    ),
    watches=(
        "Memory is flat since the fix, {minutes} min so far. Leaving the alert armed over night.",
        "No restart since. Heap of {host} is back at 40 %.",
    ),
    causes=(
        "Retry callbacks kept a reference to the finished request.",
        "A per-tenant cache in {slug} had no bound; a new tenant import filled it in hours.",
        "Query text was used as a metric label, and the process keeps every label set for ever.",
    ),
    evidence=(
        ("metric", "Resident memory of {slug}", "https://grafana.finchlight.example/d/{slug}/memory"),
        ("screenshot", "Heap dump of {host}, top retainers", "https://files.finchlight.example/heap/{number}.png"),
        ("log", "OOM kills in {region}", "https://logs.finchlight.example/kube?q=oom&region={region}"),
    ),
)

CERTIFICATE = Failure(
    name="certificate",
    alert="CertificateExpiresSoon",
    services={"edge": 6, "auth": 3, "kafka": 3, "api-gateway": 2, "observability": 2},
    severities=(2, 3, 5, 9),
    summaries=(
        "certificate of {slug}.finchlight.example expires in {days} days",
        "TLS handshakes with {slug} fail in {region}",
        "renewal of the {slug} certificate failed {times} times",
    ),
    reports=(
        "Browser warns about the certificate of {service}",
        "{service}: partner {tenant} cannot connect, certificate not trusted",
    ),
    descriptions=(
        "The automatic renewal has not run. Nothing is broken yet, but it will be at the end of the week.",
        "Handshakes fail with `certificate has expired`. Clients that pin the chain are affected first.",
    ),
    looks=(
        "Confirmed with `openssl s_client`: the old chain is still served by {host}.",
        "Renewal job is green, but it renews a certificate that nobody serves any more. Checking the mounts.",
    ),
    findings=(
        "The DNS challenge fails: the token record is written into the old zone since the move.",
        "{host} has the new file but never reloaded; the hook only knows the first {few} hosts.",
        "This one was never automated: somebody made it by hand, and nothing watches it.",
    ),
    mitigation="fix_applied",
    actions=(
        "Pointed the challenge at the new zone; the renewal ran through and is served everywhere.",
        "Reloaded every host behind {slug} and completed the list of the hook.",
        "Renewed by hand, and handed the endpoint over to the automatic renewal.",
    ),
    watches=(
        "All endpoints serve the new chain, valid for 90 days. Added an alert 21 days ahead.",
        "Handshake errors are at zero since the reload.",
    ),
    causes=(
        "The renewal wrote its DNS challenge into a zone that we no longer use.",
        "New hosts were not in the list of those that reload after a renewal.",
        "The certificate was made by hand two years ago and was in nobody's calendar.",
    ),
    evidence=(
        ("screenshot", "Certificate as {tenant} sees it", "https://files.finchlight.example/cert/{number}.png"),
        ("metric", "Days left by endpoint", "https://grafana.finchlight.example/d/certificates"),
        ("log", "Renewal job", "https://logs.finchlight.example/job/renew-{slug}"),
    ),
)

FAILURES = (DEPLOY, CONFIG, LEAK, CERTIFICATE)
