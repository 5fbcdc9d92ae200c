"""Checks reports by their extension; called by validate-reports.sh with the SARIF schema and the files."""

import base64
import hashlib
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import jsonschema


def sarif(text, schema):
    for error in jsonschema.Draft7Validator(schema).iter_errors(json.loads(text)):
        yield f"{list(error.path)}: {error.message[:200]}"


# Requirements of GitLab's secret detection schema, 15.2.1, for the fields that friskey writes.
NAME = {"type": "string", "minLength": 1}
URL = {"type": "string", "pattern": "^https?://.+"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
VENDOR = {"type": "object", "required": ["name"], "properties": {"name": NAME}}
TOOL = {
    "type": "object",
    "required": ["id", "name", "version", "vendor"],
    "properties": {"id": NAME, "name": NAME, "version": NAME, "url": URL, "vendor": VENDOR},
}
MESSAGE = {
    "required": ["level", "value"],
    "properties": {"level": {"enum": ["info", "warn", "fatal"]}, "value": NAME},
}
SCAN = {
    "type": "object",
    "required": ["analyzer", "end_time", "scanner", "start_time", "status", "type"],
    "properties": {
        "analyzer": TOOL,
        "scanner": TOOL,
        "start_time": TIME,
        "end_time": TIME,
        "status": {"enum": ["success", "failure"]},
        "type": {"enum": ["secret_detection"]},
        "messages": {"type": "array", "items": MESSAGE},
    },
}
IDENTIFIER = {
    "required": ["type", "name", "value"],
    "properties": {"type": NAME, "name": NAME, "value": NAME, "url": URL},
}
COMMIT = {
    "type": "object",
    "required": ["sha"],
    "properties": {"sha": NAME, "author": {"type": "string"}, "date": {"type": "string"}},
}
LOCATION = {
    "required": ["commit"],
    "properties": {
        "file": {"type": "string"},
        "start_line": {"type": "number"},
        "end_line": {"type": "number"},
        "commit": COMMIT,
    },
}
VULNERABILITY = {
    "type": "object",
    "required": ["id", "identifiers", "location"],
    "properties": {
        "id": NAME,
        "name": {"type": "string", "maxLength": 255},
        "description": {"type": "string", "maxLength": 1048576},
        "solution": {"type": "string", "maxLength": 7000},
        "severity": {"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
        "identifiers": {"type": "array", "minItems": 1, "items": IDENTIFIER},
        "links": {"type": "array", "items": {"required": ["url"], "properties": {"url": URL}}},
        "location": LOCATION,
    },
}
GITLAB = {
    "type": "object",
    "required": ["scan", "version", "vulnerabilities"],
    "properties": {
        "version": {"type": "string", "pattern": r"^15\.[0-9]+\.[0-9]+$"},
        "scan": SCAN,
        "vulnerabilities": {"type": "array", "items": VULNERABILITY},
        "remediations": {"type": "array"},
    },
}


def gitlab(text, _):
    report = json.loads(text)
    for error in jsonschema.Draft7Validator(GITLAB).iter_errors(report):
        yield f"{list(error.path)}: {error.message[:200]}"
    ids = [entry["id"] for entry in report["vulnerabilities"]]
    if len(ids) != len(set(ids)):
        yield "ids are not unique"


def junit(text, _):
    root = ElementTree.fromstring(text)
    for suite in [root, *root.iter("testsuite")]:
        for attribute, tag in [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
            counted = sum(1 for _ in suite.iter(tag))
            if suite.get(attribute) != str(counted):
                yield f"{suite.tag} says {attribute}={suite.get(attribute)}, but has {counted}"
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    if len(names) != len(set(names)) or not names:
        yield "cases are missing, or have the same name"


class Page(HTMLParser):
    """Checks that tags are closed in order, and that nothing is loaded or run but one script that the policy names."""

    EMPTY = {"meta", "br", "hr"}
    LOADING = {"link", "img", "image", "iframe", "object", "embed", "form", "video", "audio", "base", "foreignobject"}

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.policy, self.scripts = [], [], "", []

    def handle_starttag(self, tag, attributes):
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag in self.LOADING:
            self.wrong.append(f"<{tag}> on the page")
        if tag == "script":
            self.scripts.append("")
        fields = dict(attributes)
        if fields.get("http-equiv") == "Content-Security-Policy":
            self.policy = fields["content"]
        for name, value in attributes:
            if name.startswith("on") or name == "src" or (
                name == "href" and not value.startswith(("https://", "#"))
            ):
                self.wrong.append(f"{name}={value} on the page")

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")


def html(text, _):
    page = Page()
    page.feed(text)
    page.close()
    yield from page.wrong
    for script in page.scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        if len(page.scripts) > 1 or f"script-src 'sha256-{digest}'" not in page.policy:
            yield "a script on the page that its policy does not name"
    yield from (f"<{tag}> is not closed" for tag in page.open)
    if re.search(r"url\(|@import", text):
        yield "the style sheet loads something"


def main(schema_path, *paths):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    checks = {"sarif": sarif, "gitlab": gitlab, "junit": junit, "html": html}
    failed = False
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for problem in checks[path.rsplit(".", 1)[-1]](text, schema):
            failed = True
            print(f"{path}: {problem}", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
