"""Reduces the OpenAPI document of the service to what `openapi.py` checks: paths, schemas and the
examples of request bodies. Texts for people are left out.

Usage: openapi_reduce.py DOCUMENT >tests/data/openapi.json
"""

import json
import sys

TEXTS = {"description", "summary", "title", "example", "externalDocs", "tags", "operationId"}
# The keys of these objects are names that the document defines, not keywords.
NAMES = {"paths", "schemas", "responses", "parameters", "properties", "mapping", "content"}


def is_text(key, value):
    """True for a keyword with a text for people. A format with blanks is a text, not a name."""
    return key in TEXTS or key.startswith("x-") or (key == "format" and " " in value)


def reduced(value, keys_are_names=False, in_request=False):
    if isinstance(value, list):
        return [reduced(item, False, in_request) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if keys_are_names:
            result[key] = reduced(item, False, in_request)
        elif key == "examples":
            if in_request:
                result[key] = {name: {"value": example["value"]} for name, example in item.items()}
        elif not is_text(key, item):
            result[key] = reduced(item, key in NAMES, in_request or key == "requestBody")
    return result


with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
kept = {key: document[key] for key in ("openapi", "paths", "components")}
json.dump(reduced(kept), sys.stdout, indent=1)
print()
