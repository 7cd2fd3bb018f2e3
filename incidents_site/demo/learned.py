"""What Finchlight learned, in short blocks by kind of failure, from which the postmortems of its history are made.

Places such as ``{slug}`` are filled with the values of the incident, as everything that is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Blocks of which a postmortem takes some: why it was possible, who noticed what, and what is made of it."""

    because: tuple[str, ...]
    users: tuple[str, ...]
    well: tuple[str, ...]
    improve: tuple[str, ...]
    lucky: tuple[str, ...]
    factors: tuple[str, ...]


LESSONS: dict[str, Lesson] = {
    "deploy regression": Lesson(
        because=(
            "The canary of {slug} takes two per cent of the traffic for ten minutes. What went wrong needs old rows or "
            "a full pool, and neither is there in the first ten minutes. The release therefore looked healthy until it "
            "was everywhere.",
            "Review looks at the code and at the unit tests. Nobody is asked what a change does to connections, to "
            "time-outs or to rows that were written before it, and no test runs against a copy of real data.",
        ),
        users=(
            "About {pct} % of requests to {service} failed or took longer than ten seconds. {tenant} and some forty "
            "smaller customers wrote to support.",
            "Customers in {region} saw errors on about every third page. Those who tried again mostly got through.",
        ),
        well=(
            "The release was named in the first note, because deployments are on the same dashboard as errors.",
            "Rolling back took one command and worked at the first attempt.",
        ),
        improve=(
            "The canary compares error ratios only. Waiting times would have shown it after three minutes.",
            "Rolling back was discussed for longer than it took. Undoing first and asking afterwards would have halved "
            "the time.",
        ),
        lucky=(
            "The migration could still be undone. A day later it could not have been.",
            "It was rolled out in the morning, and everybody who knows {slug} was at their desk.",
        ),
        factors=("Deployment", "Missing alert"),
    ),
    "bad configuration": Lesson(
        because=(
            "Configuration goes to every host at once, and is checked against a schema that is maintained by hand "
            "elsewhere. Code has stages and a canary; configuration, which can do the same damage, has neither.",
            "The files that {slug} reads are generated, and the review shows the templates only. What changed in the "
            "result could not be seen by whoever approved it.",
        ),
        users=(
            "{tenant} and others in {region} were refused far below their limits: {count} calls in all.",
            "Calls that went through {region} got wrong answers or none. Other regions were not affected.",
        ),
        well=(
            "Every change of the configuration has a number, so the suspect was found within minutes.",
            "The old configuration stayed in memory on the hosts that refused the new one, which halved the effect.",
        ),
        improve=(
            "Show the difference of the generated files in the review, not only that of the templates.",
            "Let configuration take the same stages as code: one host, one region, all.",
        ),
        lucky=(
            "Some hosts refused the file. Had all taken it, there would have been no working one to compare with.",
            "{tenant} wrote at once and with an example; our own alert came four minutes later.",
        ),
        factors=("Configuration change", "Confusing tool or procedure"),
    ),
    "memory leak": Lesson(
        because=(
            "Caches in {slug} are bounded by review alone: the library has no limit unless one is given. It grew with "
            "the number of tenants, and load tests run with ten of them.",
            "Memory is watched by its level, and not by how it grows. For a process that is restarted every few days a "
            "slow leak looks like ordinary use until it does not.",
        ),
        users=(
            "Requests that met a restart were cut off: about {few} in a thousand, most of them in {region}.",
            "{service} answered slowly for a few minutes before each restart. {tenant} noticed; most did not.",
        ),
        well=(
            "A heap dump was taken before the first restart, so there was something to look at.",
            "Restarting region by region kept the service up while we looked.",
        ),
        improve=(
            "Alert on growth over six hours, long before the limit.",
            "Dumps are large and take twenty minutes to copy. A summary on the host would do for most questions.",
        ),
        lucky=(
            "The hosts did not reach their limit at the same moment.",
            "Traffic was low. On a Monday morning there would have been no room for a restart.",
        ),
        factors=("Capacity", "Slow detection"),
    ),
    "certificate": Lesson(
        because=(
            "What is renewed and what is served are two lists, kept in two places. The renewal reports success when a "
            "file is written, not when a client gets it.",
            "Certificates that were made by hand have no owner. They work for a year or two, and nothing says that "
            "they exist until they end.",
        ),
        users=(
            "Clients that check the chain strictly, {tenant} among them, could not connect to {service}.",
            "Browsers warned. About {count} page views ended at the warning.",
        ),
        well=(
            "The runbook for renewing by hand was right, and short.",
            "Support had a text for customers within ten minutes.",
        ),
        improve=(
            "Check from outside what is served, every hour and by name.",
            "Give every certificate an owner, and refuse to serve one that has none.",
        ),
        lucky=("The private key was where the wiki said it was.", "It was one name of many, and not the API's."),
        factors=("Unclear ownership", "Missing alert"),
    ),
    "replica lag": Lesson(
        because=(
            "Replicas serve customers' reads and internal exports with the same settings. An export may run for an "
            "hour; a customer may not wait for one. Nothing keeps the two apart.",
            "Jobs that write much are throttled by those who write them, if they think of it. The database accepts "
            "everything, and the replicas pay.",
        ),
        users=(
            "Dashboards and searches showed data that was up to {lag} s old. Nothing that customers wrote was lost.",
            "{tenant} saw new entries disappear and come back as their reads moved between replicas.",
        ),
        well=(
            "Replay lag and send lag are separate on the dashboard, so the network was ruled out in the first minute.",
            "Moving reads away took two minutes and needed no release.",
        ),
        improve=(
            "Give exports a replica of their own, and end what runs for longer than ten minutes anywhere else.",
            "Alert on lag before customers see it: 60 s is when support hears of it.",
        ),
        lucky=(
            "The primary had room for the reads that we moved to it.",
            "No failover happened meanwhile; it would have lost the last minutes.",
        ),
        factors=("Capacity", "Dependency failure"),
    ),
    "disk full": Lesson(
        because=(
            "Disks are watched by how full they are. A disk that stays at 80 % for a year is healthy, one that goes "
            "from 40 to 90 % in a day is not, and the alert tells them apart only when it is too late.",
            "Debug logs and data share a volume on {slug}. What is switched on for an hour stays on until somebody "
            "remembers it.",
        ),
        users=(
            "Writes to {host} failed for some minutes; clients tried again and got through to other hosts.",
            "{service} was slow in {region}. {tenant} asked; nobody else wrote.",
        ),
        well=(
            "There was a snapshot, and growing the volume worked while it was in use.",
            "The other hosts carried the load without being told to.",
        ),
        improve=(
            "Page at the predicted time to full: four hours is enough to act on by day.",
            "Keep logs on a volume of their own.",
        ),
        lucky=(
            "{other}, with the same role, was at half of that.",
            "It was noticed at {full} %; at 100 % the files would have needed repair.",
        ),
        factors=("Capacity", "Missing alert"),
    ),
    "queue backlog": Lesson(
        because=(
            "One tenant's import lands on one partition, because documents are keyed by tenant. The number of "
            "consumers does not help: one of them has all the work.",
            "A message that cannot be processed is tried again without end, and everything behind it waits.",
        ),
        users=(
            "New documents became searchable up to {minutes} minutes late. The promise is five.",
            "{tenant} waited for their import; others on the same partition waited with them.",
        ),
        well=(
            "The age of the oldest message was on the dashboard, and the delay could be told to customers in minutes.",
            "Nothing was lost: everything waited in order.",
        ),
        improve=(
            "Spread a tenant's import over partitions once it is larger than a hundred thousand documents.",
            "Put a message aside after three attempts, and alert on those that are.",
        ),
        lucky=(
            "Retention was seven days; at three the first messages would have expired.",
            "The import was in the evening, so it had caught up by the morning.",
        ),
        factors=("Capacity", "Slow detection"),
    ),
    "provider outage": Lesson(
        because=(
            "{service} depends on a provider and has a second one, but changing over is a decision of a person. The "
            "person was waiting for the provider's status page, which was green for the first twenty minutes.",
            "The fallback had last been tried in spring. Its quota had been lowered since, and nobody was told.",
        ),
        users=(
            "Answers of {service} failed or came without sources for about {pct} % of requests.",
            "Customers in {region} got plain search results instead of answers. The page said so.",
        ),
        well=(
            "Falling back to plain search kept the page useful.",
            "We believed our own figures, and not the provider's status page.",
        ),
        improve=(
            "Change over by itself after two minutes of errors, and say so.",
            "Practise the fallback every quarter, with its quota.",
        ),
        lucky=(
            "Both providers have never failed on the same day so far.",
            "The quota of the second one lasted until the first was back, with {minutes} minutes to spare.",
        ),
        factors=("Dependency failure", "Missing runbook"),
    ),
    "traffic spike": Lesson(
        because=(
            "Limits are per key, and a crawler without a key has none. The cache did not help, because it tells apart "
            "query parameters that change nothing.",
            "The autoscaler's maximum was set by last year's peak. When it was reached nothing said so.",
        ),
        users=(
            "About {pct} % of requests were turned away or took longer than five seconds.",
            "{tenant} and others could not sign in for some minutes; those who were signed in noticed little.",
        ),
        well=(
            "Shedding load kept signed-in customers working.",
            "The source was visible in the gateway's log within minutes.",
        ),
        improve=(
            "Alert when the autoscaler is at its maximum.",
            "Keep crawlers to cached pages.",
        ),
        lucky=(
            "The database had been made larger the week before.",
            "It was one network, and could be limited as one.",
        ),
        factors=("Capacity", "Missing alert"),
    ),
    "DNS": Lesson(
        because=(
            "Records are changed in three places, and the name servers take them over one after the other. Nothing "
            "compares what they answer.",
            "The old record had no owner. It was taken away by a clean-up that asks the owner, and deletes without an "
            "answer.",
        ),
        users=(
            "Depending on whom their resolver asked, customers in {region} did not reach {service} at all, or reached "
            "the old cluster.",
            "{tenant} could not connect for {minutes} minutes. Others never noticed.",
        ),
        well=(
            "The time to live was short, so the repair was seen within minutes.",
            "Checks from outside found it before customers wrote.",
        ),
        improve=(
            "Alert when name servers disagree.",
            "Give records owners, and let the clean-up tell before it deletes.",
        ),
        lucky=(
            "The old cluster was still running.",
            "The zone was in version control, so the record could be restored letter by letter.",
        ),
        factors=("Configuration change", "Unclear ownership"),
    ),
}

MEANT = (
    "For customers of **{service}** it was the most visible failure of the month. The cause is understood, and what "
    "made it possible is being changed.",
    "It was noticed by our own alert, worked on at once, and is not likely to come back in this form. What would have "
    "made it shorter stands below.",
    "Most customers noticed a delay and nothing else; {tenant} was hit hardest, and has been told what happened.",
    "The way around was found before the reason was. The reason is understood now, and stands under *Root cause*.",
)
DATA = (
    "Nothing was lost, and nobody saw what is not theirs. The counts before and after are the same.",
    "Nothing was lost. What was refused was sent again by the clients; {few} customers were asked to check, and did.",
    "Nothing was lost or wrong. Reads were old for a while, never mixed between tenants.",
)
MONEY = (
    "No promise to a customer was broken, so there are no credits. About {minutes} hours of work of ours.",
    "Credits for {tenant} by their contract, less than a thousand euros. Sales know.",
    "None that we can name.",
)
MADE_SURE = (
    "It counted as over when the alert had been quiet for twenty minutes and {tenant} had confirmed it.",
    "Error ratio and waiting times were back at their level of the day before, in every region, before it was closed.",
    "We watched it for half an hour after the last change, and looked once more the next morning.",
)
TRIED = (
    "Before that a restart of {host} was tried. It changed nothing and cost some minutes.",
    "Before that we looked at the network between the zones, which was fine.",
    "",
    "",
)
NOTHING_TO_DO = (
    "None is needed: what made it possible was removed on the same day, and a test holds it.",
    "None of our own: the change belongs to work that is under way already.",
)
COMMENTS = (
    ("root_cause", "Is this the cause, or what set it off? Why was it not seen in review?"),
    ("impact", "Do we know how many of them gave up? The gateway has it by tenant."),
    ("lessons_learned", "I would add that the handover took ten minutes, because the notes were in two places."),
    ("action_items", "Who sees to the second one when the sprint is over?"),
)
