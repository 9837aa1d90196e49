"""YAML whose values may be Helm expressions, and how it is written as a template."""

import yaml


class Expression:
    """A scalar that Helm computes: the text between {{ and }}, or a text with such parts."""

    def __init__(self, text):
        self.text = text if "{{" in text else "{{ %s }}" % text


class If:
    """A member of a mapping, or an item of a list, that depends on a condition."""

    def __init__(self, condition, value, otherwise=None):
        self.condition, self.value, self.otherwise = condition, value, otherwise


class Value:
    """The YAML of a value of the user; a member is left out, or `otherwise`, if it is empty."""

    def __init__(self, path, otherwise=None):
        self.path, self.otherwise = path, otherwise


class Merged:
    """The key of a mapping's member that adds the members of a value, or of a named template."""

    def __init__(self, path=None, include=None):
        self.path, self.include = path, include


class Items(Merged):
    """An item of a list that adds the items of a value."""


def write(node, indent=0):
    """The lines of a template. A mapping's members and a list's items begin at `indent`."""
    lines = []
    if isinstance(node, dict):
        for key, value in node.items():
            lines += _merged(key, indent) if isinstance(key, Merged) else _member(key, value, indent)
    else:
        for item in node:
            lines += _item(item, indent)
    return lines


def _control(text, indent):
    return [" " * indent + "{{- %s }}" % text]


def _merged(entry, indent):
    if entry.include:
        return _control('include "%s" . | nindent %d' % (entry.include, indent), indent)
    return _control("with %s" % entry.path, indent) + _control("toYaml . | nindent %d" % indent, indent) + _control("end", indent)


def _member(key, value, indent):
    name = " " * indent + _scalar(key) + ":"
    if isinstance(value, If):
        return _either(value, indent, lambda value: _member(key, value, indent))
    if isinstance(value, Value):
        lines = _control("with %s" % value.path, indent) + [name] + _control("toYaml . | nindent %d" % (indent + 2), indent + 2)
        if value.otherwise is not None:
            lines += _control("else", indent) + _member(key, value.otherwise, indent)
        return lines + _control("end", indent)
    if isinstance(value, (dict, list)) and value:
        return [name] + write(value, indent + 2)
    return [name + " " + _scalar(value)]


def _item(item, indent):
    if isinstance(item, If):
        return _either(item, indent, lambda item: _item(item, indent))
    if isinstance(item, Items):
        return _merged(item, indent)
    if isinstance(item, dict) and item:
        lines = write(item, indent + 2)
        return [" " * indent + "- " + lines[0].lstrip()] + lines[1:]
    return [" " * indent + "- " + _scalar(item)]


def _either(node, indent, lines_of):
    lines = _control("if %s" % node.condition, indent) + lines_of(node.value)
    if node.otherwise is not None:
        lines += _control("else", indent) + lines_of(node.otherwise)
    return lines + _control("end", indent)


def _scalar(value):
    if isinstance(value, Expression):
        return value.text
    text = yaml.safe_dump(value, width=10_000, default_flow_style=True).strip()
    return text.removesuffix("...").strip()


def patch(document, operations, condition):
    """Applies a JSON patch (RFC 6902) that has an effect only under a condition."""
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        node = document
        for part in parents:
            node = node[int(part) if isinstance(node, list) else part]
        if last == "-":
            node.append(If(condition, operation["value"]))
            continue
        key = int(last) if isinstance(node, list) else last
        if operation["op"] == "add":
            if key in node:
                raise ValueError("two components add %s" % operation["path"])
            node[key] = If(condition, operation["value"])
        elif operation["op"] == "replace":
            node[key] = If(condition, operation["value"], node[key])
        elif operation["op"] == "remove":
            node[key] = If("not (%s)" % condition, node[key])
        else:
            raise ValueError("unknown operation %s" % operation["op"])
