"""The table of values in the chart's README, from the comments of values.yaml."""

import json

import yaml

BEGIN, END = "<!-- values -->\n", "<!-- /values -->"


def readme(text, values):
    """The README with a table of all values. A value has a description, the comment above it that begins with `# -- `, or members that have."""
    before, rest = text.split(BEGIN)
    rows = ["| key | default | description |\n", "|---|---|---|\n"]
    root = yaml.compose(values)
    for path, node, description in leaves(root, (), values.splitlines()):
        default = json.dumps(yaml.safe_load(yaml.serialize(node)), ensure_ascii=False)
        rows.append("| `%s` | `%s` | %s |\n" % (".".join(path), default, description))
    return before + BEGIN + "".join(rows) + END + rest.split(END)[1]


def leaves(node, path, lines):
    """Each described value with its path and description."""
    for key, value in node.value:
        here = path + (key.value,)
        description = comment(lines, key.start_mark.line)
        if description:
            yield here, value, description
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from leaves(value, here, lines)
        else:
            raise ValueError("charts/rollcall/values.yaml: %s has no description" % ".".join(here))


def comment(lines, line):
    """The description above a line, or nothing."""
    described = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        text = lines[line].lstrip()
        described.insert(0, text.removeprefix("# -- ").removeprefix("# "))
        if text.startswith("# -- "):
            return " ".join(described)
    return None
