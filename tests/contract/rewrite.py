#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Makes of GitHub's own OpenAPI description the strict one that the contract test holds our calls against: only the calls that
a sink could make; written so that the validator behind Prism can compile every schema (one that it cannot compile it silently
takes for passed); and tightened, so that a field of ours that GitHub would ignore is an error.
Usage: rewrite.py DESCRIPTION >STRICT"""
import json
import sys

ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
KEPT = {
    "/repos/{owner}/{repo}": ["get"], "/repos/{owner}/{repo}/installation": ["get"], "/repos/{owner}/{repo}/issues": ["get", "post"],
    ISSUE: ["get", "patch"], f"{ISSUE}/comments": ["get", "post"], f"{ISSUE}/labels": ["get", "post", "put"], f"{ISSUE}/lock": ["put"],
    "/repos/{owner}/{repo}/issues/comments/{comment_id}": ["patch"], "/repos/{owner}/{repo}/labels": ["get", "post"],
    "/repos/{owner}/{repo}/labels/{name}": ["get"], "/repos/{owner}/{repo}/check-runs": ["post"],
    "/repos/{owner}/{repo}/code-scanning/sarifs": ["post"], "/search/issues": ["get"], "/user": ["get"], "/rate_limit": ["get"],
    "/app/installations/{installation_id}/access_tokens": ["post"],
}
METHODS = {"get", "put", "post", "patch", "delete", "head", "options", "trace"}
API_VERSIONS = ["2022-11-28", "2026-03-10"]
TITLE_MAX, BODY_MAX = 256, 65536


def cut_down(description):
    """The kept calls, and everything that they refer to."""
    paths = {}
    for path, methods in KEPT.items():
        item = description["paths"][path]
        paths[path] = {key: value for key, value in item.items() if key in methods or key not in METHODS}
        missing = [method for method in methods if method not in item]
        if missing:
            sys.exit(f"{path}: the description has no {missing}")
    components, todo = {}, [paths]
    while todo:
        for reference in references(todo.pop()):
            kind, name = reference.removeprefix("#/components/").split("/", 1)
            if name not in components.setdefault(kind, {}):
                components[kind][name] = description["components"][kind][name]
                todo.append(components[kind][name])
    return {"openapi": description["openapi"], "info": {"title": "GitHub issues, strict", "version": description["info"]["version"]},
            "servers": [{"url": "http://127.0.0.1"}], "paths": paths, "components": components}


def references(node):
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)


def repair(node, is_map=False):
    """`nullable` without a type, which the validator refuses, said otherwise; how many nodes had it. `is_map`: the node's keys
    are names of properties."""
    if isinstance(node, list):
        return sum(repair(item) for item in node)
    if not isinstance(node, dict):
        return 0
    n = sum(repair(value, key == "properties" and not is_map) for key, value in node.items())
    if is_map or node.get("nullable") is not True or "type" in node:
        return n
    null = {"enum": [None]}
    del node["nullable"]
    for key in ("oneOf", "anyOf"):
        if key in node:
            node[key].append(null)
            return n + 1
    for key in ("allOf", "$ref"):
        if key in node:
            node["anyOf"] = [{key: node.pop(key)}, null]
            return n + 1
    return n + 1


def tighten(strict):
    header = {"in": "header", "required": True}
    more = [
        {**header, "name": "X-GitHub-Api-Version", "schema": {"type": "string", "enum": API_VERSIONS}},
        {**header, "name": "User-Agent", "schema": {"type": "string", "pattern": "^driftcheck/"}},
    ]
    strict["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for item in strict["paths"].values():
        for method in METHODS & item.keys():
            call = item[method]
            call["security"] = [{"token": []}]
            call["parameters"] = call.get("parameters", []) + more
            for content in call.get("requestBody", {}).get("content", {}).values():
                tighten_body(content["schema"])


def tighten_body(schema):
    for alternative in schema.get("oneOf", []) + schema.get("anyOf", []):
        tighten_body(alternative)
    properties = schema.get("properties")
    if properties is None:
        return
    schema["additionalProperties"] = False
    if "title" in properties:
        properties["title"] = {"type": "string", "minLength": 1, "maxLength": TITLE_MAX}
    if properties.get("body", {}).get("type") == "string":
        properties["body"]["maxLength"] = BODY_MAX


def main(path):
    with open(path, encoding="utf-8") as file:
        strict = cut_down(json.load(file))
    n_repaired = repair(strict["paths"]) + repair(strict["components"])
    tighten(strict)
    if n_repaired == 0:
        sys.exit("no schema had to be repaired: look whether the description has changed, and this program with it")
    print(f"{sum(len(methods) for methods in KEPT.values())} calls, {sum(map(len, strict['components'].values()))} components, "
          f"{n_repaired} schemas repaired", file=sys.stderr)
    json.dump(strict, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
