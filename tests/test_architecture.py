"""What import-linter cannot see."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from core import work
from incidents_site.celery import app as celery_app
from incidents_site.sweeps import BY_NAME

ROOT = Path(settings.BASE_DIR)
STACK = [
    "core",
    "accounts",
    "notifications",
    "oncall",
    "catalog",
    "incidents",
    "automation",
    "alerts",
    "runbooks",
    "postmortems",
    "followups",
    "statuspage",
    "metrics",
    "home",
    "api",
    "incidents_site",
]
SOURCES = sorted(path for room in STACK for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)
FORBIDDEN_NAMES = {"services.py", "utils.py", "helpers.py", "managers.py", "misc.py", "common.py"}


def test_foreign_keys_point_down_the_stack():
    wrong = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in STACK
        for field in model._meta.get_fields()
        if field.concrete and field.related_model is not None
        if (target := field.related_model._meta.app_label) in STACK
        if STACK.index(target) > STACK.index(model._meta.app_label)
    ]
    assert wrong == []


def test_only_what_runs_muster_itself_reads_calendars_and_makes_pdfs_starts_programs():
    """Actions of a runbook are done elsewhere: nothing that a person or an alert says becomes a process of ours."""
    words = re.compile(r"\b(subprocess|multiprocessing|pty|popen\w*|posix_spawn\w*|os\.(system|exec|spawn|fork)\w*)\b")
    found = {"/".join(path.relative_to(ROOT).parts[:2]) for path in SOURCES if words.search(path.read_text())}
    own = {"incidents_site/embedded", "incidents_site/supervisor.py", "incidents_site/web.py"}
    assert found == own | {"oncall/ical_events.py", "core/pdf.py"}


def test_every_nudge_names_a_sweep_and_every_sweep_is_a_task():
    named = set()
    for path in SOURCES:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "nudge":
                named |= {arg.value for arg in call.args if isinstance(arg, ast.Constant)}
    named |= {"alerts.apply_due"}
    assert named <= set(BY_NAME)
    importlib.import_module("incidents_site.tasks")
    assert set(BY_NAME) <= set(celery_app.tasks)


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"\bon_commit\(", {"core/background.py"}),
        (r"\.apply_async\(|\.delay\(|\bcountdown=|\beta=", set()),
        (r"\bdjango\.dispatch\b|@receiver\b|post_save|pre_save", set()),
        (r"GenericForeignKey", set()),
        (r"\bincident\.status = ", set()),
    ],
)
def test_what_only_one_place_may_do(pattern, allowed):
    found = {str(path.relative_to(ROOT)) for path in SOURCES if re.search(pattern, path.read_text())}
    assert found <= allowed


def test_files_have_names_that_say_something_and_stay_short():
    assert [str(path) for path in SOURCES if path.name in FORBIDDEN_NAMES and path.parent.parent.name != "api"] == []
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_every_model_says_who_may_see_it():
    seen_through_their_owner = {
        "accounts.Membership", "notifications.Attempt", "notifications.SweepRun", "oncall.EscalationStep",
        "oncall.EscalationTarget", "oncall.Layer", "oncall.Participant", "catalog.Dependency",
            "incidents.AffectedService", "incidents.TimelineEntry",
        "incidents.NoteRevision", "incidents.Evidence", "incidents.PlannedAction", "incidents.Escalation",
        "incidents.EscalationAnswer",
        "incidents.SlaClock", "alerts.Group", "alerts.AlertLink", "api.IdempotencyKey",
    }  # fmt: skip
    models = [model for model in apps.get_models() if model._meta.app_label in STACK]
    silent = {model._meta.label for model in models if not hasattr(model._default_manager, "visible_to")}
    assert silent <= seen_through_their_owner


def test_templates_have_no_inline_script_or_style():
    pattern = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", re.IGNORECASE)
    found = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "templates").rglob("*.html")
        if pattern.search(re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.S))
    ]
    assert found == []


def test_a_nudge_without_redis_returns_at_once(settings, db):
    work.nudge("alerts.apply_due")


ENTRY_POINT = re.compile(
    r"(_?views?|urls|forms|filters|admin\w*|middleware|fetching|access|panel|adapter|htmx|redirects)\.py$|templatetags/|/views/"
)


def test_domain_modules_know_neither_requests_nor_celery():
    pattern = re.compile(r"^\s*(?:from|import) (?:django\.http|django\.shortcuts|celery)\b", re.MULTILINE)
    rooms = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in STACK[: STACK.index("api")]]
    found = {
        str(path.relative_to(ROOT))
        for path in rooms
        if not ENTRY_POINT.search(str(path.relative_to(ROOT))) and pattern.search(path.read_text())
    }
    assert found == {"core/work.py"}
