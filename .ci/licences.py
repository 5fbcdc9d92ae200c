"""Checks the output of `cargo metadata` in FILE against deny.toml: licenses, banned crates, sources.

`cargo deny check licenses bans sources` does more, but takes minutes to build; this needs Python alone.
"""

import json
import re
import sys
import tomllib


def holds(expression, allowed):
    """Whether an SPDX expression can be satisfied with allowed licenses only."""
    # Older crates write `/` instead of OR.
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    at = 0

    def alternative():
        nonlocal at
        met = both()
        while at < len(tokens) and tokens[at] == "OR":
            at += 1
            met = both() or met
        return met

    def both():
        nonlocal at
        met = one()
        while at < len(tokens) and tokens[at] == "AND":
            at += 1
            met = one() and met
        return met

    def one():
        nonlocal at
        name = tokens[at]
        at += 1
        if name == "(":
            met = alternative()
            at += 1
            return met
        if at < len(tokens) and tokens[at] == "WITH":
            name = f"{name} WITH {tokens[at + 1]}"
            at += 2
        return name in allowed

    met = alternative()
    if at != len(tokens):
        raise ValueError(f"cannot read the license `{expression}`")
    return met


def faults(package, rules, registries):
    """Lists the problems of one package."""
    name = f"{package['name']} {package['version']}"
    if package["name"] in {ban["name"] for ban in rules["bans"]["deny"]}:
        yield f"{name} is banned"
    source = package["source"]
    if source is None:
        return
    if source not in registries:
        yield f"{name} comes from {source}"
    licence = package["license"]
    if licence is None:
        yield f"{name} states no license"
    elif not holds(licence, set(rules["licenses"]["allow"])):
        yield f"{name} is licensed under {licence}, which deny.toml does not allow"


def main():
    with open("deny.toml", "rb") as file:
        rules = tomllib.load(file)
    with open(sys.argv[1], encoding="utf-8") as file:
        packages = json.load(file)["packages"]
    registries = {f"registry+{url}" for url in rules["sources"]["allow-registry"]}
    wrong = [fault for package in packages for fault in faults(package, rules, registries)]
    for fault in wrong:
        print(fault)
    print(f"{len(packages)} packages, {len(wrong)} faults")
    return 1 if wrong else 0


sys.exit(main())
