"""Writes what is generated of charts/rollcall: the templates and rules from manifests/, and the schema and the README from values.yaml. Chart
and manifests get the version of the executables."""

import pathlib
import re
import sys

import yaml

from readme import readme
from schema import schema
from template import Expression, If, Items, Merged, Value, patch, write

MANIFESTS = pathlib.Path("manifests")
CHART = pathlib.Path("charts/rollcall")
VERSION = re.search(r'current = "(.+)"', pathlib.Path("Sources/Primitives/ProductVersion.swift").read_text()).group(1)

# The components of manifests/, in the order in which a kustomization lists them, and when the chart includes them.
COMPONENTS = {
    "apparmor-annotation": 'semverCompare "<1.30-0" (include "rollcall.kubeVersion" .)',
    "grafana": ".Values.dashboards.enabled",
    "kube-prometheus": ".Values.kubePrometheus.enabled",
    "kubelet-summary": ".Values.kubeletSummary.enabled",
    "metrics-tls": ".Values.metricsTls.enabled",
    "monitoring": {"ServiceMonitor": ".Values.serviceMonitor.enabled", "PrometheusRule": ".Values.prometheusRule.enabled"},
    "openshift": ".Values.openshift.enabled",
    "push": ".Values.push.enabled",
    "scrape-coverage": ".Values.scrapeCoverage.enabled",
    "socket-states": ".Values.socketStates.enabled",
    "no-agents": "not .Values.agent.enabled",
    "agent-namespace": ".Values.agent.namespace",
}
# In the folder crds/, as charts have definitions: Helm installs what is missing of them, and neither changes nor deletes any.
DEFINITION = "crd.yaml"
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "Namespace", "SecurityContextConstraints"}
RBAC = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}


class Object:
    """An object of the manifests, with the conditions under which the chart has it."""

    def __init__(self, tree, file, conditions):
        self.tree, self.file, self.conditions = tree, file, conditions
        self.kind, self.name = tree["kind"], tree["metadata"]["name"]
        if self.kind not in CLUSTER_WIDE:
            tree["metadata"].setdefault("namespace", "rollcall")

    @property
    def namespace(self):
        return self.tree["metadata"].get("namespace")

    def matches(self, target):
        """Whether a patch of a component applies; kustomize's patterns are anchored."""
        return all(
            re.fullmatch(target[key], getattr(self, key) or "") for key in ("kind", "name", "namespace") if key in target
        )


def negated(condition):
    return condition[4:] if condition.startswith("not ") else "not (%s)" % condition


def load(path):
    return [document for document in yaml.safe_load_all((MANIFESTS / path).read_text()) if document]


def config_map(generator):
    """What kustomize makes of an entry of configMapGenerator. The chart has the files, because they may have {{ … }} of their own."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": generator["name"], "labels": generator["options"]["labels"]},
        "data": {file: Expression('.Files.Get "files/%s" | quote' % file) for file in generator["files"]},
    }


def manifests():
    """The objects of all components, with their patches."""
    objects = []
    for file in load("default/kustomization.yaml")[0]["resources"]:
        if file == DEFINITION:
            continue
        objects += [Object(tree, file, []) for tree in load("default/" + file)]
    for component, condition in COMPONENTS.items():
        kustomization = load(component + "/kustomization.yaml")[0]
        for file in kustomization.get("resources", []):
            for tree in load("%s/%s" % (component, file)):
                required = condition if isinstance(condition, str) else condition[tree["kind"]]
                objects.append(Object(tree, component + ".yaml", [required]))
        for generator in kustomization.get("configMapGenerator", []):
            objects.append(Object(config_map(generator), component + ".yaml", [condition]))
        for change in kustomization.get("patches", []):
            content = yaml.safe_load(change["patch"])
            if isinstance(content, list):
                for object in objects:
                    if object.matches(change["target"]):
                        patch(object.tree, content, condition)
            elif content["$patch"] == "delete":
                for object in objects:
                    if object.matches({"kind": content["kind"], "name": content["metadata"]["name"]}):
                        object.conditions.append(negated(condition))
    # Helm creates the namespace of a release itself.
    return [object for object in objects if (object.kind, object.name) != ("Namespace", "rollcall")]


# What the values of the chart may change


def text(expression):
    """A string, whatever characters it has."""
    return Expression(expression + " | quote")


def workload(object, values):
    """The members that Deployment and DaemonSet have in common."""
    template = object.tree["spec"]["template"]
    annotations = template["metadata"].get("annotations")
    if annotations is None:
        template["metadata"] = {"annotations": Value(values + ".podAnnotations"), **template["metadata"]}
    else:
        members = {key: If(annotations.condition, value) for key, value in annotations.value.items()}
        members[Merged(values + ".podAnnotations")] = None
        template["metadata"]["annotations"] = If("or (%s) %s.podAnnotations" % (annotations.condition, values), members)
    template["metadata"]["labels"][Merged(values + ".podLabels")] = None
    pod = template["spec"]
    (container,) = pod["containers"]
    pod["imagePullSecrets"] = Value(".Values.imagePullSecrets")
    pod["priorityClassName"] = text(values + ".priorityClassName")
    pod["nodeSelector"] = Value(values + ".nodeSelector")
    pod["tolerations"] = Value(values + ".tolerations")
    pod["affinity"] = Value(values + ".affinity", pod["affinity"])
    container["image"] = text('include "rollcall.image" (list . %s.image)' % values)
    container["imagePullPolicy"] = text(values + ".image.pullPolicy")
    container["resources"] = Value(values + ".resources")
    container["args"].append(Items(values + ".extraArgs"))
    container["env"].append(Items(values + ".extraEnv"))
    for owner, key, extra in ((pod, "volumes", "extraVolumes"), (container, "volumeMounts", "extraVolumeMounts")):
        extra = "%s.%s" % (values, extra)
        present = owner.get(key, [])
        if isinstance(present, If):
            items = [If(present.condition, item) for item in present.value] + [Items(extra)]
            owner[key] = If("or (%s) %s" % (present.condition, extra), items)
        else:
            present.append(Items(extra))


def edit(object):
    tree, spec = object.tree, object.tree.get("spec")
    match (object.kind, object.name):
        case ("Deployment", _):
            workload(object, ".Values.controller")
            spec["replicas"] = Expression(".Values.controller.replicas")
            labels = {"name": "ROLLCALL_SERVICE_MONITOR_LABELS", "value": text('include "rollcall.monitorLabels" .')}
            spec["template"]["spec"]["containers"][0]["env"].append(If(".Values.serviceMonitor.additionalLabels", labels))
            spec["template"]["spec"]["serviceAccountName"] = text(".Values.controller.serviceAccount.name")
        case ("DaemonSet", _):
            workload(object, ".Values.agent")
            spec["updateStrategy"] = Value(".Values.agent.updateStrategy")
            spec["template"]["spec"]["serviceAccountName"] = text(".Values.agent.serviceAccount.name")
        case ("ServiceAccount", name):
            values = ".Values.%s.serviceAccount" % name.removeprefix("rollcall-")
            tree["metadata"]["annotations"] = Value(values + ".annotations")
            tree["metadata"]["name"] = text(values + ".name")
            object.conditions.append(values + ".create")
        case ("PodDisruptionBudget", _):
            object.conditions.append(".Values.controller.podDisruptionBudget.enabled")
            spec["maxUnavailable"] = Expression(".Values.controller.podDisruptionBudget.maxUnavailable")
        case ("Service", _):
            tree["metadata"]["annotations"] = Value(".Values.controller.service.annotations")
        case ("NetworkPolicy", _):
            object.conditions.append(".Values.networkPolicy.enabled")
        case ("ResourceQuota", _):
            object.conditions.append(".Values.resourceQuota.enabled")
        case ("ServiceMonitor", _):
            tree["metadata"]["labels"][Merged(".Values.serviceMonitor.additionalLabels")] = None
            spec["endpoints"][0]["interval"] = text(".Values.serviceMonitor.interval")
        case ("ConfigMap", "rollcall-dashboards"):
            tree["metadata"]["labels"][Merged(".Values.dashboards.additionalLabels")] = None
        case ("PrometheusRule", _):
            tree["metadata"]["labels"][Merged(".Values.prometheusRule.additionalLabels")] = None
            # A file, because the rules' own {{ … }} are for Prometheus.
            spec["groups"] = Expression('include "rollcall.ruleGroups" . | nindent 4')
    for subject in tree.get("subjects", []):
        if subject["kind"] == "ServiceAccount" and subject["name"].startswith("rollcall-"):
            subject["name"] = text(".Values.%s.serviceAccount.name" % subject["name"].removeprefix("rollcall-"))
    if object.kind in RBAC:
        object.conditions.insert(0, ".Values.rbac.create")
    tree["metadata"]["labels"] = {Merged(include="rollcall.labels"): None, **tree["metadata"]["labels"]}


NAMESPACES = {
    "rollcall": text(".Release.Namespace"),
    "rollcall-agents": text(".Values.agent.namespace"),
    "monitoring": text(".Values.monitoringNamespace"),
}


def named(node, key=None):
    """The tree with the namespaces that the user chooses."""
    if isinstance(node, dict):
        return {key: named(value, key) for key, value in node.items()}
    if isinstance(node, list):
        return [named(item) for item in node]
    if isinstance(node, If):
        return If(node.condition, named(node.value, key), named(node.otherwise, key))
    if isinstance(node, Value):
        return Value(node.path, named(node.otherwise, key))
    if key in ("namespace", "kubernetes.io/metadata.name") and node in NAMESPACES or node == "rollcall-agents":
        return NAMESPACES[node]
    if node == "system:serviceaccounts:monitoring":
        return Expression("system:serviceaccounts:{{ .Values.monitoringNamespace }}")
    return node


def document(object):
    edit(object)
    lines = write(named(object.tree))
    if not object.conditions:
        return ["---"] + lines
    condition = object.conditions[0] if len(object.conditions) == 1 else "and " + " ".join("(%s)" % text for text in object.conditions)
    return ["{{- if %s }}" % condition, "---"] + lines + ["{{- end }}"]


def files():
    """What is generated: paths and contents."""
    sources = {"rules.yaml": pathlib.Path("hack/rules/rules.yaml"), "parameters.yaml": MANIFESTS / "monitoring/parameters.yaml"}
    result = {
        CHART / "files" / name: "# Generated by hack/make-chart from %s.\n%s" % (path, path.read_text()) for name, path in sources.items()
    }
    for path in (MANIFESTS / "grafana").glob("*.json"):
        result[CHART / "files" / path.name] = path.read_text()
    definition = (MANIFESTS / "default" / DEFINITION).read_text()
    result[CHART / "crds/coveragepolicies.yaml"] = "# Generated by hack/make-chart from manifests/default/crd.yaml.\n" + definition
    templates = {}
    for object in manifests():
        templates.setdefault(object.file, []).extend(document(object))
    for file, lines in templates.items():
        source = "manifests/default/" + file if (MANIFESTS / "default" / file).exists() else "manifests/" + file.removesuffix(".yaml")
        head = "{{- /* Generated by hack/make-chart from %s and the patches of the components. */}}" % source
        result[CHART / "templates" / file] = "\n".join([head] + lines) + "\n"
    for path in (CHART / "Chart.yaml", MANIFESTS / "default/kustomization.yaml"):
        result[path] = re.sub(r"(?m)^( *)(version|appVersion|newTag): .*$", r"\1\2: " + VERSION, path.read_text())
    values = (CHART / "values.yaml").read_text()
    result[CHART / "README.md"] = readme((CHART / "README.md").read_text(), values)
    result[CHART / "values.schema.json"] = schema(values)
    return result


def main():
    generated = files()
    for path in (CHART / "templates").glob("*.yaml"):
        if path not in generated:
            sys.exit("%s comes from no manifest; delete it" % path)
    differing = []
    for path, content in generated.items():
        if path.exists() and path.read_text() == content:
            continue
        differing.append(str(path))
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    if "--check" in sys.argv and differing:
        sys.exit("these files differ from what hack/make-chart writes; run it and commit: " + " ".join(differing))


if __name__ == "__main__":
    main()
