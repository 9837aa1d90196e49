/// The kinds of the server.
enum ResourceTable {
  static let all: [ResourceKind] = [
    configMaps, endpointSlices, events, newEvents, leases, namespaces, nodes, pods, secrets, services, deployments, daemonSets,
    statefulSets, runtimeClasses, clusterRoles, clusterRoleBindings, roles, roleBindings, networkPolicies,
    endpoints, serviceMonitors, podMonitors, probes, scrapeConfigs, prometheuses, prometheusAgents, prometheusRules, vmServiceScrapes,
    vmPodScrapes, customResourceDefinitions, coveragePolicies,
  ]

  static let nodes = ResourceKind(
    group: "", version: "v1", kind: "Node", plural: "nodes", singular: "node", shortNames: ["no"], isNamespaced: false, hasStatus: true,
    acceptsStatusOnCreate: true, schema: .node, message: .node, columns: TableColumn.node,
    selectableFields: [SelectableField("spec.unschedulable", default: "false")])

  static let pods = ResourceKind(
    group: "", version: "v1", kind: "Pod", plural: "pods", singular: "pod", shortNames: ["po"], categories: ["all"], hasStatus: true,
    schema: .pod, message: .pod, columns: TableColumn.pod,
    selectableFields: [
      SelectableField("spec.nodeName"), SelectableField("spec.restartPolicy"), SelectableField("spec.schedulerName"),
      SelectableField("spec.serviceAccountName"), SelectableField("spec.hostNetwork", default: "false"), SelectableField("status.phase"),
      SelectableField("status.podIP"), SelectableField("status.nominatedNodeName"),
    ],
    applyDefaults: Defaults.pod)

  static let services = ResourceKind(
    group: "", version: "v1", kind: "Service", plural: "services", singular: "service", shortNames: ["svc"], categories: ["all"],
    naming: .label, hasStatus: true, schema: .service, message: .service, columns: TableColumn.service,
    selectableFields: [SelectableField("spec.clusterIP"), SelectableField("spec.type")], applyDefaults: Defaults.service,
    validate: ServiceRules.validate)

  static let configMaps = ResourceKind(
    group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", singular: "configmap", shortNames: ["cm"],
    schema: .object(["metadata": .metadata]), message: .configMap, columns: TableColumn.configMap)

  static let secrets = ResourceKind(
    group: "", version: "v1", kind: "Secret", plural: "secrets", singular: "secret", schema: .object(["metadata": .metadata]),
    message: .secret, columns: TableColumn.secret, selectableFields: [SelectableField("type")], applyDefaults: Defaults.secret)

  static let namespaces = ResourceKind(
    group: "", version: "v1", kind: "Namespace", plural: "namespaces", singular: "namespace", shortNames: ["ns"], isNamespaced: false,
    naming: .label, hasStatus: true, schema: .kind(), message: .namespace, columns: TableColumn.namespace,
    selectableFields: [SelectableField("status.phase")],
    applyDefaults: Defaults.namespace)

  static let newEvents = ResourceKind(
    group: "events.k8s.io", version: "v1", kind: "Event", plural: "events", singular: "event", shortNames: ["ev"], view: .events,
    schema: .event, columns: events.columns,
    selectableFields: events.selectableFields.map { field in
      var field = field
      field.name = field.name.replacing("involvedObject.", with: "regarding.").replacing("reportingComponent", with: "reportingController")
      return field
    })

  static let events = ResourceKind(
    group: "", version: "v1", kind: "Event", plural: "events", singular: "event", shortNames: ["ev"], schema: .event,
    columns: TableColumn.event,
    selectableFields: [
      "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
      "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "type",
    ].map { SelectableField($0) } + [SelectableField("source", path: "source.component")], validate: EventRules.validate)

  static let endpointSlices = ResourceKind(
    group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices", singular: "endpointslice",
    countsGenerations: true,
    schema: .object(["metadata": .metadata]), message: .endpointSlice, columns: TableColumn.endpointSlice,
    applyDefaults: EndpointSliceRules.applyDefaults,
    validate: EndpointSliceRules.validate)

  static let endpoints = ResourceKind(
    group: "", version: "v1", kind: "Endpoints", plural: "endpoints", singular: "endpoints", shortNames: ["ep"],
    schema: .object(["metadata": .metadata, "subsets": .atomic]))

  static let leases = ResourceKind(
    group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases", singular: "lease", schema: .kind(),
    columns: TableColumn.lease)

  static let deployments = ResourceKind(
    group: "apps", version: "v1", kind: "Deployment", plural: "deployments", singular: "deployment", shortNames: ["deploy"],
    categories: ["all"], hasStatus: true, countsGenerations: true, schema: .workload, columns: TableColumn.deployment)

  static let daemonSets = ResourceKind(
    group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets", singular: "daemonset", shortNames: ["ds"],
    categories: ["all"], hasStatus: true, countsGenerations: true, schema: .workload, columns: TableColumn.daemonSet)

  static let statefulSets = ResourceKind(
    group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets", singular: "statefulset", shortNames: ["sts"],
    categories: ["all"], hasStatus: true, countsGenerations: true, schema: .workload, columns: TableColumn.statefulSet)

  static let runtimeClasses = ResourceKind(
    group: "node.k8s.io", version: "v1", kind: "RuntimeClass", plural: "runtimeclasses", singular: "runtimeclass", isNamespaced: false,
    schema: .object(["metadata": .metadata]), columns: TableColumn.runtimeClass)

  static let clusterRoles = ResourceKind(
    group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRole", plural: "clusterroles", singular: "clusterrole",
    isNamespaced: false, naming: .pathSegment, schema: .object(["metadata": .metadata]))

  static let clusterRoleBindings = ResourceKind(
    group: "rbac.authorization.k8s.io", version: "v1", kind: "ClusterRoleBinding", plural: "clusterrolebindings",
    singular: "clusterrolebinding", isNamespaced: false, naming: .pathSegment, schema: .object(["metadata": .metadata]))

  static let roles = ResourceKind(
    group: "rbac.authorization.k8s.io", version: "v1", kind: "Role", plural: "roles", singular: "role", naming: .pathSegment,
    schema: .object(["metadata": .metadata]))

  static let roleBindings = ResourceKind(
    group: "rbac.authorization.k8s.io", version: "v1", kind: "RoleBinding", plural: "rolebindings", singular: "rolebinding",
    naming: .pathSegment, schema: .object(["metadata": .metadata]))

  static let networkPolicies = ResourceKind(
    group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy", plural: "networkpolicies", singular: "networkpolicy",
    shortNames: ["netpol"], countsGenerations: true, schema: .kind())

  static let serviceMonitors = ResourceKind(
    group: "monitoring.coreos.com", version: "v1", kind: "ServiceMonitor", plural: "servicemonitors", singular: "servicemonitor",
    shortNames: ["smon"], categories: ["prometheus-operator"], countsGenerations: true, isCustom: true, schema: .kind())

  static let podMonitors = ResourceKind(
    group: "monitoring.coreos.com", version: "v1", kind: "PodMonitor", plural: "podmonitors", singular: "podmonitor",
    shortNames: ["pmon"], categories: ["prometheus-operator"], countsGenerations: true, isCustom: true, schema: .kind())

  static let probes = ResourceKind(
    group: "monitoring.coreos.com", version: "v1", kind: "Probe", plural: "probes", singular: "probe", shortNames: ["prb"],
    categories: ["prometheus-operator"], countsGenerations: true, isCustom: true, schema: .kind())

  static let scrapeConfigs = ResourceKind(
    group: "monitoring.coreos.com", version: "v1alpha1", kind: "ScrapeConfig", plural: "scrapeconfigs", singular: "scrapeconfig",
    shortNames: ["scfg"], categories: ["prometheus-operator"], countsGenerations: true, isCustom: true, schema: .kind())

  static let prometheuses = ResourceKind(
    group: "monitoring.coreos.com", version: "v1", kind: "Prometheus", plural: "prometheuses", singular: "prometheus",
    shortNames: ["prom"], categories: ["prometheus-operator"], hasStatus: true, countsGenerations: true, isCustom: true, schema: .kind())

  static let prometheusAgents = ResourceKind(
    group: "monitoring.coreos.com", version: "v1alpha1", kind: "PrometheusAgent", plural: "prometheusagents", singular: "prometheusagent",
    shortNames: ["promagent"], categories: ["prometheus-operator"], hasStatus: true, countsGenerations: true, isCustom: true,
    schema: .kind())

  static let vmServiceScrapes = ResourceKind(
    group: "operator.victoriametrics.com", version: "v1beta1", kind: "VMServiceScrape", plural: "vmservicescrapes",
    singular: "vmservicescrape", countsGenerations: true, isCustom: true, schema: .kind())

  static let vmPodScrapes = ResourceKind(
    group: "operator.victoriametrics.com", version: "v1beta1", kind: "VMPodScrape", plural: "vmpodscrapes", singular: "vmpodscrape",
    countsGenerations: true, isCustom: true, schema: .kind())

  static let prometheusRules = ResourceKind(
    group: "monitoring.coreos.com", version: "v1", kind: "PrometheusRule", plural: "prometheusrules", singular: "prometheusrule",
    shortNames: ["promrule"], categories: ["prometheus-operator"], countsGenerations: true, isCustom: true, schema: .prometheusRule)

  static let customResourceDefinitions = ResourceKind(
    group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition", plural: "customresourcedefinitions",
    singular: "customresourcedefinition", shortNames: ["crd", "crds"], categories: ["api-extensions"], isNamespaced: false, hasStatus: true,
    countsGenerations: true, schema: .kind())

  static let coveragePolicies = ResourceKind(
    group: "rollcall.dev", version: "v1alpha1", kind: "CoveragePolicy", plural: "coveragepolicies", singular: "coveragepolicy",
    shortNames: ["covpol"], categories: ["rollcall"], isNamespaced: false, hasStatus: true, countsGenerations: true, isCustom: true,
    schema: CoveragePolicyRules.merging, columns: CoveragePolicyRules.columns, applyDefaults: CoveragePolicyRules.settle,
    validate: CoveragePolicyRules.validate)

  static func kind(group: String, version: String, plural: String) -> ResourceKind? {
    all.first { $0.group == group && $0.version == version && $0.plural == plural }
  }

  static func kind(apiVersion: String, kind: String) -> ResourceKind? {
    all.first { $0.apiVersion == apiVersion && $0.kind == kind }
  }

  /// The kind with a name such as `pods` or `endpointslices.discovery.k8s.io`.
  static func kind(named name: String) -> ResourceKind? {
    all.first { $0.plural == name || $0.qualifiedPlural == name }
  }
}
