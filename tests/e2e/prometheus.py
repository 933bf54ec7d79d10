# SPDX-License-Identifier: Apache-2.0
"""The rules that `promtool check metrics` has for Prometheus text, where promtool is not installed.

https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/
"""
import re

SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
ENDINGS = {"histogram": ("_bucket", "_sum", "_count")}


def family_of(name, families):
    for family, kind in families.items():
        if name == family or any(name == family + ending for ending in ENDINGS.get(kind, ())):
            return family
    return None


def read(text):
    """(families: name to type, samples: [(name, labels, value)], what is wrong)"""
    families, helps, samples, wrong, seen, current = {}, set(), [], [], set(), None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            wrong += [f"{name} has two helps"] if name in helps else []
            wrong += [f"{name} has no words of help"] if len(line.split(" ")) < 4 else []
            helps.add(name)
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            wrong += [f"{name} has two types"] if name in families else []
            wrong += [f"{name}: {kind} is no type"] if kind not in TYPES else []
            wrong += [f"{name} has a type before its help"] if name not in helps else []
            families[name] = kind
            current = name
            continue
        match = SAMPLE.match(line)
        if not match:
            wrong.append(f"no sample: {line!r}")
            continue
        name, labels, value = match[1], tuple(sorted(LABEL.findall(match[2] or ""))), float(match[3])
        if family_of(name, families) != current:
            wrong.append(f"{name} is not with its family")
        if (name, labels) in seen:
            wrong.append(f"{name}{dict(labels)} is there twice")
        seen.add((name, labels))
        samples.append((name, dict(labels), value))
    return families, samples, wrong


def check_names(families):
    for name, kind in families.items():
        if (kind == "counter") != name.endswith("_total"):
            yield f"{name} is a {kind}"
        if name.endswith(("_bucket", "_sum", "_count")) or re.search(r"_(milliseconds|minutes|hours|kilobytes)(_|$)", name):
            yield f"{name}: the ending"


def check_histogram(family, samples):
    """Buckets grow, the last one is +Inf and is the count, for each set of labels."""
    groups = {}
    for name, labels, value in samples:
        if name.startswith(family + "_"):
            key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
            groups.setdefault(key, []).append((name.removeprefix(family), labels.get("le"), value))
    for key, parts in groups.items():
        buckets = [(float(end), value) for ending, end, value in parts if ending == "_bucket"]
        single = {ending: value for ending, _, value in parts if ending != "_bucket"}
        if buckets != sorted(buckets) or [value for _, value in buckets] != sorted(value for _, value in buckets):
            yield f"{family}{dict(key)}: the buckets do not grow"
        if not buckets or buckets[-1][0] != float("inf") or buckets[-1][1] != single.get("_count") or "_sum" not in single:
            yield f"{family}{dict(key)}: the last bucket is not the count, or there is no sum"


def check(text):
    """(families, samples, a list of what is wrong)"""
    families, samples, wrong = read(text)
    wrong += check_names(families)
    for family, kind in families.items():
        wrong += check_histogram(family, samples) if kind == "histogram" else []
    wrong += [f"{name} is no number" for name, _, value in samples if value != value]
    wrong += ["the last line does not end"] if not text.endswith("\n") else []
    return families, samples, wrong
