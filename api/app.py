"""The API itself: its resources, how it reads and answers, and its description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from api import problems
from api.auth import reader
from api.docs import DocsPage
from api.idempotency import HEADER
from api.parsing import StrictParser
from api.resources import (
    absences,
    action_items,
    actions,
    alerts,
    communication,
    contact_methods,
    cover,
    escalation_policies,
    executions,
    incident_records,
    incidents,
    integrations,
    ledger,
    maintenance,
    metrics,
    metrics_behind,
    metrics_files,
    metrics_load,
    metrics_parts,
    metrics_settings,
    postmortem_records,
    postmortem_templates,
    postmortems,
    runbooks,
    runners,
    runs,
    saved_views,
    schedules,
    search,
    services,
    severity_policies,
    status_pages,
    subscribers,
    subscriptions,
    teams,
    trackers,
    update_templates,
    users,
)

if TYPE_CHECKING:
    from ninja.operation import Operation

DESCRIPTION = """\
Everything that Muster's pages do. Send an API token: `Authorization: Bearer mst_…`; what it may do is its scope and its
owner's role, whichever is less, and what its owner may not see answers 404.

Bodies are JSON, and a field that an operation does not know is a mistake. Times are RFC 3339 in UTC. Errors are problem
documents (RFC 9457) with an entry in `errors` for each mistake. Lists answer `{"items": […], "next": …}`; follow `next`
until it is null. A POST with an `Idempotency-Key` creates once, however often it is sent within 24 hours; a repeated
answer carries `Idempotency-Replayed: true`."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "A problem document (RFC 9457)",
    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
IDEMPOTENCY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "Creates once, however often the same request is sent within 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


class MusterApi(NinjaAPI):
    """NinjaAPI whose description names what every operation has in common."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """The description, with the answer to errors and the header of idempotent operations."""
        schema = super().get_openapi_schema(**kwargs)
        schema["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
        idempotent = self._idempotent_ids()
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"]["default"] = PROBLEM_RESPONSE
                if operation["operationId"] in idempotent:
                    operation["parameters"].append(IDEMPOTENCY_PARAMETER)
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's name, which is unique within the API."""
        return operation.view_func.__name__

    def _idempotent_ids(self) -> set[str]:
        return {
            self.get_openapi_operation_id(operation)
            for _, router in self._routers
            for path_view in router.path_operations.values()
            for operation in path_view.operations
            if getattr(operation.view_func, "is_idempotent", False)
        }


api = MusterApi(
    title="Muster API",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs=DocsPage(),
    auth=reader,
    parser=StrictParser(),
)
problems.install(api)
api.add_router("/incidents", incidents.router)
api.add_router("/incidents", incident_records.router)
api.add_router("/incidents", communication.router)
api.add_router("/incidents", ledger.router)
api.add_router("/action-items", action_items.router)
api.add_router("/action-items", trackers.items_router)
api.add_router("/trackers", trackers.router)
api.add_router("/saved-views", saved_views.router)
api.add_router("/subscriptions", subscriptions.router)
api.add_router("/alerts", alerts.router)
api.add_router("/runbooks", runbooks.router)
api.add_router("/runs", runs.router)
api.add_router("/actions", actions.router)
api.add_router("/runners", runners.router)
api.add_router("/executions", executions.router)
api.add_router("/postmortems", postmortems.router)
api.add_router("/postmortems", postmortem_records.router)
api.add_router("/postmortem-factors", postmortem_templates.factors_router)
api.add_router("/postmortem-templates", postmortem_templates.router)
api.add_router("/users", users.router)
api.add_router("/users", contact_methods.router)
api.add_router("/teams", teams.router)
api.add_router("/escalation-policies", escalation_policies.router)
api.add_router("/schedules", schedules.router)
api.add_router("/schedules", cover.schedules_router)
api.add_router("/overrides", schedules.overrides_router)
api.add_router("/on-call", schedules.on_call_router)
api.add_router("/cover-requests", cover.router)
api.add_router("/absences", absences.router)
api.add_router("/services", services.router)
api.add_router("/maintenance", maintenance.router)
api.add_router("/integrations", integrations.router)
api.add_router("/severity-policies", severity_policies.router)
api.add_router("/metrics", metrics.router)
api.add_router("/metrics", metrics_behind.router)
api.add_router("/metrics", metrics_parts.router)
api.add_router("/metrics", metrics_files.router)
api.add_router("/metrics", metrics_load.router)
api.add_router("/metrics", metrics_settings.router)
api.add_router("/status-pages", status_pages.router)
api.add_router("/subscribers", subscribers.router)
api.add_router("/search", search.router)
api.add_router("/update-templates", update_templates.router)
