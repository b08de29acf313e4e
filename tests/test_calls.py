"""Every route can be called properly, what the walks rest on, and answers what its documentation says."""

import json
from typing import Any

import jsonschema
import yaml

from cbt.http.documents import faces
from cbt.ops.management.commands.openapi import file_of
from tests import calls
from tests.routes import ROUTES, shape_of


def test_bodies__then_none_is_left_over():
    writes = {str(row) for row in ROUTES if row.method not in {"GET", "DELETE"}}
    assert set(calls.bodies()) == writes


def test_every_route__when_called_properly__then_it_succeeds(world):
    failed = {}
    for row in ROUTES:
        with calls.undone():
            response = calls.call(row, world)
        expected = {501} if str(row) in calls.NOT_INSTALLED else {200, 201, 204}
        if response.status_code not in expected:
            failed[str(row)] = (response.status_code, response.body[:300])
    assert failed == {}


def _plain(schema: Any) -> Any:
    """Write OpenAPI 3.0's ``nullable`` as JSON Schema does."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _plain(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [inner, {"type": "null"}]} if schema.get("nullable") is True else inner


def documented_answers() -> dict[tuple[str, str, str, int], Any]:
    """Return {(face, method, path, status): schema of the JSON answer} of the documents the repository keeps."""
    found = {}
    for face in faces():
        document = _plain(yaml.safe_load(file_of(face).read_text()))
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for status, answer in operation["responses"].items():
                    content = answer.get("content", {}).get("application/json")
                    if content:
                        where = (face, method.upper(), shape_of(path), int(status))
                        found[where] = {**content["schema"], "components": document["components"]}
    return found


def test_every_route__when_called_properly__then_it_answers_what_is_documented(world):
    answers = documented_answers()
    wrong, count = {}, 0
    for row in ROUTES:
        with calls.undone():
            response = calls.call(row, world)
        if response.headers.get("Content-Type") != "application/json":
            continue
        count += 1
        schema = answers.get((row.face, *row.shape, response.status_code))
        if schema is None:
            wrong[str(row)] = [f"{response.status_code} is not documented"]
            continue
        validator = jsonschema.Draft202012Validator(schema)
        errors = sorted(validator.iter_errors(json.loads(response.body)), key=str)
        if errors:
            wrong[str(row)] = [f"{error.json_path}: {error.message[:150]}" for error in errors[:5]]
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert count > 100
