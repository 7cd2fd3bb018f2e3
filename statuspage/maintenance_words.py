"""What subscribers are told of maintenance, in the languages of pages."""

from __future__ import annotations

STEPS = ("announced", "reminder", "begins", "ends", "cancelled", "changed")

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "announced": "Maintenance announced: {title}",
        "reminder": "Maintenance soon: {title}",
        "begins": "Maintenance has begun: {title}",
        "ends": "Maintenance is over: {title}",
        "cancelled": "Maintenance cancelled: {title}",
        "changed": "Maintenance changed: {title}",
        "until": "Until {end}.",
        "ended": "It was over at {at}.",
        "not_then": "It will not take place on {span}.",
        "before": "It was announced for {span}.",
        "affected": "Affected: {names}.",
    },
    "de": {
        "announced": "Wartung angekündigt: {title}",
        "reminder": "Bald Wartung: {title}",
        "begins": "Wartung hat begonnen: {title}",
        "ends": "Wartung ist beendet: {title}",
        "cancelled": "Wartung abgesagt: {title}",
        "changed": "Wartung geändert: {title}",
        "until": "Bis {end}.",
        "ended": "Beendet: {at}.",
        "not_then": "Sie findet nicht statt: {span}.",
        "before": "Angekündigt war: {span}.",
        "affected": "Betroffen: {names}.",
    },
    "fr": {
        "announced": "Maintenance annoncée : {title}",
        "reminder": "Maintenance imminente : {title}",
        "begins": "La maintenance a commencé : {title}",
        "ends": "La maintenance est terminée : {title}",
        "cancelled": "Maintenance annulée : {title}",
        "changed": "Maintenance modifiée : {title}",
        "until": "Jusqu’au {end}.",
        "ended": "Terminée : {at}.",
        "not_then": "Elle n’aura pas lieu : {span}.",
        "before": "Date annoncée auparavant : {span}.",
        "affected": "Concerne : {names}.",
    },
    "es": {
        "announced": "Mantenimiento anunciado: {title}",
        "reminder": "Mantenimiento próximo: {title}",
        "begins": "El mantenimiento ha comenzado: {title}",
        "ends": "El mantenimiento ha terminado: {title}",
        "cancelled": "Mantenimiento cancelado: {title}",
        "changed": "Mantenimiento modificado: {title}",
        "until": "Hasta {end}.",
        "ended": "Terminó: {at}.",
        "not_then": "No tendrá lugar: {span}.",
        "before": "Estaba anunciado para: {span}.",
        "affected": "Afecta a: {names}.",
    },
}


def of(locale: str) -> dict[str, str]:
    """The words of a locale; English where there are none."""
    return WORDS.get(locale, WORDS["en"])
