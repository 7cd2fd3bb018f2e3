"""What is set for the figures of the whole site, and which reports each person wants by e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import Membership, User
from incidents import policy
from incidents.models import Severity
from metrics.models import MetricsSettings, Report, ReportChoice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

RATES = {severity: f"{severity}_per_hour" for severity in Severity.values}
FIELDS = ("target_percent", "currency", *RATES.values(), "leadership_weekly", "leadership_monthly")


def settings() -> MetricsSettings:
    """The one row, or its defaults while there is none."""
    return MetricsSettings.objects.filter(pk=1).first() or MetricsSettings(pk=1)


def rates_of(found: MetricsSettings) -> dict[str, Decimal]:
    """What an hour costs by severity, as far as it is set; nothing without a currency."""
    if not found.currency:
        return {}
    rates = {severity: getattr(found, name) for severity, name in RATES.items()}
    return {severity: rate for severity, rate in rates.items() if rate is not None}


@transaction.atomic
def save_settings(*, by: User | None, **values: Any) -> MetricsSettings:
    """Change some of ``FIELDS``, and write down what changed. Raises ValidationError for what cannot be."""
    MetricsSettings.objects.bulk_create([MetricsSettings(pk=1)], ignore_conflicts=True)
    found = MetricsSettings.objects.select_for_update().get(pk=1)
    for name, value in values.items():
        if name not in FIELDS:
            raise ValueError(name)
        setattr(found, name, value)
    check(found)
    saved: MetricsSettings = audit.save(found, by=by)
    return saved


def check(found: MetricsSettings) -> None:
    """Raises ValidationError by field: money needs a currency, and is never less than none."""
    wrong: dict[str, str] = {}
    for name in RATES.values():
        rate = getattr(found, name)
        if rate is not None and rate < 0:
            wrong[name] = "An hour costs nothing or more."
    if not found.currency and any(getattr(found, name) is not None for name in RATES.values()):
        wrong["currency"] = "Say which currency the rates are in, such as EUR."
    if wrong:
        raise ValidationError(wrong)


# ---- reports -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reports somebody gets. ``is_chosen``: they said so themselves; otherwise they are of leadership, or get
    none."""

    weekly: bool
    monthly: bool
    is_chosen: bool
    is_leadership: bool


def wanted_by(user: User) -> Wanted:
    """Which reports a person gets, and why."""
    of, found = policy.site_settings().leadership_id, settings()
    is_leadership = of is not None and Membership.objects.filter(team=of, user=user).exists()
    choice = ReportChoice.objects.filter(user=user).first()
    if choice:
        return Wanted(choice.weekly, choice.monthly, True, is_leadership)
    return Wanted(
        is_leadership and found.leadership_weekly, is_leadership and found.leadership_monthly, False, is_leadership
    )


def choose_reports(user: User, *, weekly: bool, monthly: bool) -> ReportChoice:
    """Which reports a person wants by e-mail from now on, whatever is set for leadership."""
    choice, _ = ReportChoice.objects.update_or_create(user=user, defaults={"weekly": weekly, "monthly": monthly})
    return choice


def recipients(kind: str) -> list[User]:
    """Whoever gets a kind of report, each once: who chose it, and those of leadership who chose nothing. Only active
    people with an e-mail address."""
    is_weekly = kind == Report.Kind.WEEKLY
    name = "weekly" if is_weekly else "monthly"
    found = settings()
    chosen = set(ReportChoice.objects.filter(**{name: True}).values_list("user", flat=True))
    leadership = policy.site_settings().leadership_id
    if leadership and (found.leadership_weekly if is_weekly else found.leadership_monthly):
        silent = Membership.objects.filter(team=leadership, user__report_choice=None)
        chosen.update(silent.values_list("user", flat=True))
    return list(User.objects.active().filter(pk__in=chosen).exclude(email="").order_by("pk"))


def who_chose(people: Iterable[User]) -> set[int]:
    """The keys of those who said themselves which reports they want."""
    return set(ReportChoice.objects.filter(user__in=list(people)).values_list("user", flat=True))
