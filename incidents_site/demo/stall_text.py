"""What Finchlight wrote about the night in which Kafka refused documents: its published postmortem, word for word."""

from __future__ import annotations

import re

_WRAPPED = re.compile(r"(?<=[^\n])\n(?!\n|[-*] |\d+\. |\||#|>)\s*")


def flowing(text: str) -> str:
    """A text as it is kept: paragraphs are one line each, as a line end would show."""
    return _WRAPPED.sub(" ", text)


SUMMARY = flowing("""\
On a Tuesday night the disk of one Kafka broker filled up, and the broker left the cluster. **For 39 minutes Finchlight
refused about one document in seven**, and for 87 minutes new documents became searchable later than the five minutes we
promise. Everything that was refused has been delivered since; nothing was lost.

One full disk should not have been able to do this: we run nine brokers so that any one of them may fail. It could,
because 14 partitions had been left with two replicas instead of three by a move of brokers in spring, and because the
disk's alert had been a message in a channel that nobody reads at night.

Writes were accepted again after we let the topic, for 41 minutes, live with one copy less than our own rule asks
for. The broker got a larger disk, caught up, and the rule was put back before we closed the incident.""")

ROOT_CAUSE = flowing("""\
**A single full disk stopped writes, because 14 of the 96 partitions of `ingest.raw` had only two replicas, and the
topic asks for two that are in sync.** With one of the two gone, Kafka did what it was told to: it refused.

1. *Why were there two replicas?* The topic was made with three. In spring its partitions were moved to the new brokers
   with a plan that we wrote by hand; for 14 of them the plan named two brokers. The tool takes such a plan without a
   word, and reports success.
2. *Why did nobody see it since?* We watch for partitions whose replicas are *out of sync*. These were in sync, both of
   them. Nothing compares the number of replicas with the number that the topic should have.
3. *Why was the disk full?* Segments are deleted by age, after seven days, and not by size. Since a large customer's
   import began three weeks ago the topic takes in twice as much a day, so seven days are twice as many gigabytes.
4. *Why did the disk's alert not wake anybody?* It fires at 90 %, as *low*, and goes to the team's channel. That was
   right when a disk took a month to go from 90 to 100 %. This one took eleven hours.

Any one of the four alone would have been harmless. The first is the one that turned a broken disk into refused
documents.""")

IMPACT = flowing("""\
- Severity **critical**: customers' documents were refused.
- Writes were refused from 02:07 to 02:46 UTC, for 39 minutes; the delay ended at 03:34.
- Services: **Kafka**, **Ingest Pipeline**, **Search Index**

| | |
|---|---|
| Documents refused at the first attempt | 214,600 of 1.43 million (15 %) |
| Customers with at least one of them | 41 of 212 |
| … whose client tried again by itself | 38, all delivered by 03:31 |
| … who had to send again | 3, with 18,402 documents, all delivered by 11:40 |
| Longest time until a document was searchable | 1 h 27 min; the promise is 5 min |

### Users affected

Whoever sent documents to one of the 14 partitions got `503`. Reading was not affected: searches, answers and dashboards
worked all the time, on data that grew up to 87 minutes old. Tern Logistics, Kestrel Health and Fable Books have clients
that do not try again; support wrote to them at 07:30 with the list of what was missing.

### Data

Nothing was lost. We compared what clients had been told with what is in the index, document by document, for the whole
night: the three customers' 18,402 were the only ones missing, and have been sent since. For 38 minutes new messages of
the topic existed in one copy; no disk failed in that time.

### Money

Credits for two customers whose contract names the five minutes: about 4,100 €. Some 26 hours of work of ours.""")

RESOLUTION = flowing("""\
What was tried, in this order:

1. **A restart of kafka-4** (02:26). It found no space to open its log, and left again after 40 seconds. Three
   minutes lost.
2. **A shorter retention** for the topic (02:34), so that old segments go. Right in principle; but a broker that does
   not run deletes nothing.
3. **One copy less** (02:46): `min.insync.replicas` of `ingest.raw` from 2 to 1. Writes were accepted within seconds.
   This gave up our protection against a second failure, which is why two people decided it, and wrote down when it
   ends.
4. **A larger disk** for kafka-4: 500 GB more. The broker came back at 03:05 and had caught up at 03:24.
5. `min.insync.replicas` **back to 2** (03:27), before anything else.

It counted as over when every partition had all its replicas in sync, the clients' second attempts had been worked off
at 03:31, and a test document was searchable after 40 seconds. The 14 partitions have had three replicas since
Wednesday.""")

LESSONS = flowing("""\
### What went well

- It was answered in two minutes, and the 14 partitions were named in the first note, six minutes in.
- Every step was written down as it was taken, the wrong ones too. This text took an hour because of that.
- Nobody lowered the protection of the data alone, at night, without saying until when.
- Customers heard from us before they wrote: the first update was out after eight minutes.

### What could improve

- Five of the six minutes before the page were the alert waiting to be sure. For refused writes one minute is enough.
- The runbook for a full disk begins with “restart the broker”. That is the wrong first step, and it was followed.
- We had no list of which customers' clients try again. Making one took support until 07:30.
- What we know about a topic's replicas was in people's heads and in a plan from spring.

### Where we were lucky

- kafka-6 had the only other copy of some of the 14 partitions, and its own disk was at 97 %. It lasted.
- It was 02:07. At ten in the morning the same 39 minutes hold six times as many documents.""")

PUBLIC = flowing("""\
## What happened

On Tuesday, between 02:07 and 02:46 UTC, Finchlight refused about 15 % of the documents that were sent to it. Until
03:34 UTC new documents took up to 87 minutes to become searchable, instead of five. Searching, answers and
dashboards worked throughout, with data that was correspondingly old.

## Who was affected, and how

41 customers had at least one document refused. Most clients sent them again by themselves; three customers had to, and
we have been in touch with each of them. **No document was lost, and nobody saw what is not theirs.**

## What we did

A storage server had run out of space, and part of our intake depended on it more than it should have. We accepted
documents again after 39 minutes, gave the server more space, and waited until every copy of the data was complete.

## What we change so that it does not happen again

- Every part of the intake has its full number of copies again, and a check now compares this every hour.
- We are woken when a disk will be full within four hours, whatever its level.
- Storage is limited by size as well as by age.

We are sorry for the trouble, and thank those who wrote to us for their patience.""")

# What a section said before somebody commented on it, and what they said instead.
BEFORE = {
    "root_cause": (
        "for 14 of them the plan named two brokers. The tool takes such a plan without a word, and reports success.",
        "for 14 of them two brokers were named by mistake.",
    ),
    "impact": ("18,402 documents, all delivered by 11:40", "18,900 documents"),
}

COMMENTS = (
    # section, who, hours after it was sent for review, text, whether the owner settled it
    (
        "root_cause",
        "lena",
        2.0,
        "I stumbled over “left with two replicas by a move”. Could you say that the *tool* accepts it? As it stands it "
        "reads as if whoever wrote the plan should have known.",
    ),
    (
        "impact",
        "ines",
        5.5,
        "Support has the final numbers: 18,402 documents, not 18,900. And please name when the last one was delivered.",
    ),
    (
        "lessons_learned",
        "lena",
        21.0,
        "For the query team: we saw indexing lag at 02:11 and thought that it was ours. A line on your dashboard that "
        "says “intake refuses” would have saved us twenty minutes.",
    ),
    (None, "ines", 26.0, "Good to read. I have nothing more; approved."),
)
