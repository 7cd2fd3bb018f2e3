"""The page that describes the API: written by the server from the OpenAPI document, so it needs no script."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.shortcuts import render
from ninja.openapi.docs import DocsBase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse
    from ninja import NinjaAPI

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body or an answer."""

    name: str
    type: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Described:
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    parameters: list[Field]
    body: list[Field]
    status: str
    answer: list[Field]


class DocsPage(DocsBase):
    """One page with every operation."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """The page; it describes the software and nothing that is in it, so anybody may read it."""
        document = api.get_openapi_schema(path_params=kwargs)
        context = {
            "api": api,
            "groups": _groups(document),
            "openapi_url": self.get_openapi_url(api, kwargs),
        }
        return render(request, "api/docs.html", context)


def _groups(document: Schema) -> list[tuple[str, list[Described]]]:
    groups: dict[str, list[Described]] = defaultdict(list)
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups[operation["tags"][0]].append(_described(path, method, operation, schemas))
    return list(groups.items())


def _described(path: str, method: str, operation: Schema, schemas: Schema) -> Described:
    status = next(each for each in operation["responses"] if each != "default")
    return Described(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("description", ""),
        parameters=[
            Field(each["name"], _type(each["schema"]), each["required"], _words(each) or _words(each["schema"]))
            for each in operation["parameters"]
        ],
        body=list(_fields(operation.get("requestBody", {}), schemas)),
        status=str(status),
        answer=list(_fields(operation["responses"][status], schemas)),
    )


def _fields(message: Schema, schemas: Schema) -> Iterator[Field]:
    """The fields of a body; of a list, those of its items."""
    content = message.get("content", {}).get("application/json")
    if content is None:
        return
    schema = _resolved(content["schema"].get("items", content["schema"]), schemas)
    properties = schema.get("properties", {})
    if set(properties) == {"items", "next"}:
        schema = _resolved(properties["items"]["items"], schemas)
        properties = schema.get("properties", {})
    for name, each in properties.items():
        words = _words(each)
        yield Field(name, _type(each), name in schema.get("required", ()), words)


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    for option in (schema, *schema.get("allOf", ()), *schema.get("anyOf", ())):
        if "$ref" in option:
            found: Schema = schemas[option["$ref"].removeprefix(REFERENCE)]
            return found
    return schema


def _type(schema: Schema) -> str:
    """The type in a few words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(option) for option in schema["anyOf"]))
    if "allOf" in schema:
        return _type(schema["allOf"][0])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(REFERENCE))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _words(schema: Schema) -> str:
    return str(schema.get("description", ""))
