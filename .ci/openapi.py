"""Sends requests for every operation to a running emulator, and validates bodies and responses against
the OpenAPI document.

Usage: openapi.py DOCUMENT [FOLDER]. The environment variables that the emulator prints must be set.

OpenAPI 3.0 uses a variant of JSON Schema draft 4, which is adapted as follows:

- `nullable` is not part of JSON Schema: `null` is added to the type. `discriminator` is ignored.
- A response without rows is both flat and grouped, and so fails `oneOf`: in responses it becomes `anyOf`.
- In requests, objects may have only the members that the document names, so that a typo is found.
- `date-time` is checked here, because the package does not. Other formats are not checked.
- `discovery` is missing in older documents, which then use the schema below.
"""

import base64
import json
import os
import pathlib
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

import jsonschema

SENT = "io.confluent.kafka.server/sent_bytes"
HOUR = ["2019-10-17T21:00:00Z/PT1H"]
KAFKA = {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"}
TEXT = {
    "op": "OR",
    "filters": [
        {"op": "AND", "filters": [KAFKA, {"op": "NOT", "filter": {"field": "metric.topic", "op": "GT", "value": "c"}}]},
        {"op": "AND", "filters": [KAFKA, {"field": "metric.partition", "op": "GTE", "value": 1}]},
    ],
}
DISCOVERY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["targets", "labels"],
        "properties": {
            "targets": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
}


def query(**more):
    body = {"aggregations": [{"metric": SENT}], "filter": KAFKA, "granularity": "PT1M", "intervals": HOUR}
    return body | more


def attributes(**more):
    return {"metric": SENT, "group_by": ["metric.topic"], "filter": KAFKA, "intervals": HOUR} | more


BODIES = {
    "query": [
        query(),
        query(group_by=["metric.topic"], filter=TEXT, limit=1000),
        query(group_by=["metric.topic", "metric.partition"], format="GROUPED"),
        query(granularity="ALL", group_by=["metric.topic"], order_by=[{"metric": SENT, "order": "ASCENDING"}]),
        query(aggregations=[{"metric": SENT, "agg": "MAX"}], format="FLAT"),
        query(intervals=["2000-01-01T00:00:00Z/PT1H"]),
        query(intervals=["2000-01-01T00:00:00Z/PT1H"], group_by=["metric.topic"], format="GROUPED"),
        query(group_by=["metric.topic"], format="GROUPED", limit=5),
        query(group_by=["metric.topic"], limit=5),
    ],
    "attributes": [
        attributes(),
        attributes(limit=5),
        attributes(group_by=["metric.topic", "metric.partition"], filter=TEXT, limit=10),
        {"metric": SENT, "group_by": ["metric.topic"], "filter": KAFKA},
    ],
}
LISTS = [
    "descriptors/metrics",
    "descriptors/metrics?page_size=50",
    "descriptors/metrics?page_size=1000&resource_type=ksql",
    "descriptors/resources",
    "descriptors/resources?page_size=4",
    "discovery",
    "discovery?env=env-1&resource_type=connector",
    "discovery?env=env-9",
]
RESOURCES = "resource.kafka.id=lkc-1&resource.kafka.id=lkc-9&ignore_failed_metrics=true"
# Requests that are refused: method, path, body, headers and status.
ERRORS = [
    ("POST", "query", b"{", {}, 400),
    ("POST", "query", b"{}", {}, 400),
    ("POST", "attributes", b"{}", {}, 400),
    ("POST", "query", json.dumps(query(filter=None)).encode(), {}, 403),
    ("POST", "attributes", json.dumps(attributes(filter=None)).encode(), {}, 403),
    ("POST", "query", json.dumps(query()).encode(), {"Authorization": "Basic eDp4"}, 401),
    ("POST", "query", b"{}", {"Content-Type": "text/plain"}, 415),
    ("GET", "descriptors/metrics?page_size=0", None, {}, 400),
    ("GET", "descriptors/resources?page_token=x", None, {}, 400),
    ("GET", "descriptors/metrics", None, {"Accept": "image/png"}, 406),
    ("DELETE", "descriptors/metrics", None, {}, 405),
    ("GET", "discovery?env=a&env=b", None, {}, 400),
    ("GET", "discovery?resource_type=abc", None, {}, 400),
    ("GET", "export", None, {}, 400),
    ("GET", "export?resource.kafka.id=lkc-9", None, {}, 403),
    ("GET", "export?resource.kafka.id=lkc-1&metric=x", None, {}, 400),
]

formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time")
def is_date_time(value):
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return not isinstance(value, str) or re.fullmatch(form, value) is not None


def adapt(schema, is_response):
    """Returns the OpenAPI schema as JSON Schema draft 4."""
    if isinstance(schema, list):
        return [adapt(item, is_response) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: adapt(value, is_response) for name, value in schema.items()}
    if schema.pop("nullable", False) is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if is_response and "oneOf" in schema:
        schema["anyOf"] = schema.pop("oneOf")
    if not is_response and schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


class Validator:
    """Validates bodies and responses against the document, and counts them."""

    def __init__(self, path):
        self.document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        self.components = {is_response: adapt(self.document["components"], is_response) for is_response in (True, False)}
        self.bodies = self.responses = 0

    def operation(self, path, method):
        name = urllib.parse.urlsplit(path).path
        return self.document["paths"].get(f"/v2/metrics/{{dataset}}/{name}", {}).get(method.lower(), {})

    def problem(self, value, schema, is_response):
        root = {"allOf": [adapt(schema, is_response)], "components": self.components[is_response]}
        draft4 = jsonschema.Draft4Validator(root, format_checker=formats)
        return jsonschema.exceptions.best_match(draft4.iter_errors(value))

    def check(self, value, schema, is_response, what):
        problem = self.problem(value, schema, is_response)
        if problem is not None:
            sys.exit(f"failed: {what}: at {problem.json_path}: {problem.message[:600]}")

    def request_schema(self, path):
        return self.operation(path, "POST")["requestBody"]["content"]["application/json"]["schema"]

    def body(self, path, value, what):
        self.check(value, self.request_schema(path), False, what)
        self.bodies += 1

    def response(self, method, path, status, kind, text):
        what = f"{method} {path}, status {status}"
        documented = self.operation(path, method).get("responses", {})
        expected = documented.get(str(status), documented.get("default"))
        if expected is None and status == 200:
            content = {"application/json": {"schema": DISCOVERY}}
        elif expected is None:
            # Errors for a method or an operation that is not in the document have the usual form.
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
        else:
            content = expected["content"]
        if kind not in content:
            sys.exit(f"failed: {what}: expected one of {list(content)}, found {kind}")
        value = json.loads(text) if kind == "application/json" else text
        self.check(value, content[kind]["schema"], True, what)
        self.responses += 1
        return value


class Emulator:
    """The emulator that the environment variables name."""

    def __init__(self, validator):
        self.validator = validator
        self.context = ssl.create_default_context(cafile=os.environ["CONFLUENT_METRICS_CA_FILE"])
        key = f"{os.environ['CONFLUENT_CLOUD_API_KEY']}:{os.environ['CONFLUENT_CLOUD_API_SECRET']}"
        self.authorization = f"Basic {base64.b64encode(key.encode()).decode()}"

    def send(self, method, path, body=None, headers=None, status=200):
        lines = {"Authorization": self.authorization}
        if body is not None:
            lines["Content-Type"] = "application/json"
        url = f"{os.environ['CONFLUENT_METRICS_BASE_URL']}/v2/metrics/cloud/{path}"
        request = urllib.request.Request(url, body, lines | (headers or {}), method=method)
        try:
            response = urllib.request.urlopen(request, timeout=30, context=self.context)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text = response.read().decode()
        if response.status != status:
            sys.exit(f"failed: {method} {path}: expected status {status}, found {response.status}: {text[:600]}")
        return self.validator.response(method, path, status, response.headers.get("Content-Type"), text)

    def pages(self, method, path, body=None):
        """Requests every page, and returns their number."""
        count, token = 0, None
        while count == 0 or token is not None:
            mark = "&" if "?" in path else "?"
            tail = "" if token is None else f"{mark}page_token={urllib.parse.quote(token, safe='')}"
            response = self.send(method, path + tail, body)
            meta = response.get("meta") if isinstance(response, dict) else None
            token = (meta or {}).get("pagination", {}).get("next_page_token")
            count += 1
        return count


def self_check(validator):
    """Checks that invalid values are found."""
    for value, name, is_response in [
        ({"intervals": HOUR}, "QueryRequest", False),
        (query(limitt=5), "QueryRequest", False),
        (query(filter=KAFKA | {"op": "LT"}), "QueryRequest", False),
        (attributes(group_by=[]), "AttributesRequest", False),
        ({"data": [{"timestamp": "yesterday", "value": 1}]}, "QueryResponse", True),
        ({"data": [{"points": [{"timestamp": "2019-10-17T21:00:00Z"}]}]}, "QueryResponse", True),
        ({"data": []}, "AttributesResponse", True),
        ({"error": {}}, "ErrorResponse", True),
    ]:
        if validator.problem(value, {"$ref": f"#/components/schemas/{name}"}, is_response) is None:
            sys.exit(f"failed: {name} accepts {value}")


def main(document, folder=None):
    validator = Validator(document)
    self_check(validator)
    emulator = Emulator(validator)
    pages = 0
    for path, bodies in BODIES.items():
        content = validator.operation(path, "POST")["requestBody"]["content"]["application/json"]
        examples = [example["value"] for example in content.get("examples", {}).values()]
        for body in bodies + examples:
            validator.body(path, body, f"a body of {path}")
            pages += emulator.pages("POST", path, json.dumps(body).encode())
    for path in LISTS:
        pages += emulator.pages("GET", path)
    for accept in ("*/*", "application/openmetrics-text"):
        emulator.send("GET", f"export?{RESOURCES}", headers={"Accept": accept})
    for method, path, body, headers, status in ERRORS:
        emulator.send(method, path, body, headers, status)
    files = sorted(pathlib.Path(folder).glob("*.json")) if folder else []
    if folder and not files:
        sys.exit(f"failed: {folder} holds no bodies")
    for file in files:
        kind = file.name.split("-")[0]
        if kind not in BODIES:
            sys.exit(f"failed: {file.name} must begin with query- or attributes-")
        validator.body(kind, json.loads(file.read_text(encoding="utf-8")), file.name)
    print(f"{validator.bodies} bodies ({len(files)} of them from files) and {validator.responses} responses are valid; {pages} pages")


if __name__ == "__main__":
    main(*sys.argv[1:])
