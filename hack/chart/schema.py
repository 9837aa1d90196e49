"""The chart's JSON schema: the types of the defaults in values.yaml, and what they cannot tell."""

import json

import yaml

from readme import comment

# Values that are parts of Kubernetes objects, whose schema is the API server's.
OBJECTS = {"nodeSelector", "resources", "updateStrategy"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
NAMESPACE = {"pattern": "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"}
# By the last part of the key, or the whole key.
PARTICULARS = {
    "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "repository": {"minLength": 1},
    "replicas": {"minimum": 0},
    "maxUnavailable": {"type": ["integer", "string"]},
    "interval": {"pattern": "^([0-9]+(ms|[smhdwy]))+$"},
    "agent.namespace": NAMESPACE,
    "monitoringNamespace": {**NAMESPACE, "minLength": 1},
    "kubeTargetVersionOverride": {"pattern": r"^(v?[0-9]+\.[0-9]+.*)?$"},
    "extraArgs": {"items": {"type": "string"}},
    "parameters": {"properties": {"labels": {"type": "object"}}, "additionalProperties": {"type": ["string", "number"]}},
}
for key in ("commonLabels", "podLabels", "podAnnotations", "annotations", "additionalLabels", "nodeSelector"):
    PARTICULARS[key] = TEXTS
for key in ("imagePullSecrets", "extraEnv", "extraVolumes", "extraVolumeMounts", "tolerations"):
    PARTICULARS[key] = {"items": {"type": "object"}}


def schema(values):
    lines = values.splitlines()

    def describe(node, path, line):
        result = {}
        if line is not None and (description := comment(lines, line)):
            result["description"] = description
        value = yaml.safe_load(yaml.serialize(node))
        name = path[-1] if path else ""
        if isinstance(value, dict) and value and name not in OBJECTS:
            members = {key.value: describe(child, path + (key.value,), key.start_mark.line) for key, child in node.value}
            # Helm adds `global` to the values of every chart.
            if not path:
                members["global"] = {"type": "object"}
            result |= {"type": "object", "additionalProperties": False, "properties": members}
        else:
            kinds = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
            result["type"] = kinds[type(value)]
        return result | PARTICULARS.get(".".join(path), PARTICULARS.get(name, {}))

    root = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart rollcall"}
    return json.dumps(root | describe(yaml.compose(values), (), None), indent=2, ensure_ascii=False) + "\n"
