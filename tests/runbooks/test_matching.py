"""Which guide is offered first, and why."""

from __future__ import annotations

from runbooks.matching import Affected, Links, Situation, best

KAFKA = Affected(7, "kafka", "Kafka")


def keys(situation, *links):
    return [match.key for match in best(links, situation)]


def why(situation, links):
    (match,) = best([links], situation)
    return match.reasons


def test_a_fact_says_more_than_a_service_and_a_service_more_than_a_severity():
    situation = Situation("It is late", "high", (KAFKA,), {"alertname": "KafkaLag", "job": "x"})
    by_fact = Links(1, "B", facts=(("alertname", "kafka*"),))
    by_service = Links(2, "A", service_ids=frozenset({7}))
    by_severity = Links(3, "A", severities=("high",))
    nothing = Links(4, "A", slugs=("redis",), severities=("high",))
    assert keys(situation, by_severity, nothing, by_service, by_fact) == [1, 2, 3]


def test_reasons_are_said_in_words():
    situation = Situation("It is late", "high", (KAFKA,), {"alertname": "KafkaLag"})
    links = Links(1, "A", slugs=("kafka",), severities=("high",), facts=(("alertname", "*Lag"), ("alertname", "Kaf*")))
    assert why(situation, links) == ("alertname KafkaLag", "Kafka", "high severity")


def test_a_service_that_is_called_alike_counts_less_than_the_service_itself():
    situation = Situation("x", "low", (Affected(1, "orders-kafka", "Orders"), KAFKA))
    alike, other = Links(1, "A", slugs=("orders",)), Links(2, "A", slugs=("kafk",))
    assert keys(situation, alike, other, Links(3, "B", slugs=("kafka",))) == [3, 1]
    assert why(Situation("x", "low", (Affected(1, "db-1", "AI Service"),)), Links(1, "A", slugs=("ai-service",))) == (
        "AI Service",
    )


def test_words_of_the_title_decide_between_guides_of_one_service():
    situation = Situation("Consumer lag: group ingest is behind", "low", (KAFKA,))
    lag, rebalance = Links(1, "Kafka: consumer lag", slugs=("kafka",)), Links(2, "A rebalance", slugs=("kafka",))
    assert keys(situation, rebalance, lag) == [1, 2]
    assert keys(Situation("x", "low", (KAFKA,)), rebalance, lag) == [2, 1]


def test_two_words_are_enough_where_nothing_else_is_known():
    situation = Situation("Postgres: too many connections", "low")
    assert why(situation, Links(1, "Postgres connections")) == ("“connections postgres” in the title",)
    assert keys(situation, Links(1, "Redis connections"), Links(2, "Too many of the and")) == []


def test_a_guide_for_other_severities_comes_last():
    situation = Situation("x", "low", (KAFKA,))
    assert keys(
        situation, Links(1, "A", slugs=("kafka",), severities=("critical",)), Links(2, "B", slugs=("kafka",))
    ) == [2, 1]


def test_hostile_patterns_and_values_only_fail_to_fit():
    situation = Situation("x", "low", (), {"a": "a" * 4000, "b": "[", "c": ""})
    hostile = tuple((name, pattern) for name in "abc" for pattern in ("*a" * 60 + "b", "[", "[!a", "(a+)+$", "\\"))
    assert keys(situation, Links(1, "A", facts=hostile)) == [1]  # "[" is itself
