import Foundation
import JSON
import Primitives
import TestSupport
import Testing
import YAML

/// `charts/rollcall`, rendered by Helm's engine, and `manifests/`, rendered by kustomize, have the same objects.
@Suite(.ownThread, .enabled(if: Kustomization.isInstalled, "kubectl is not installed"))
struct ChartTests {
  /// Every set of components that is compared. Where the order matters, it is the one that their comments ask for.
  static let sets: [[String]] =
    [[]] + Kustomization.components.map { [$0] }
    + [
      // All that do not exclude each other.
      Kustomization.components.filter { !["no-agents", "agent-namespace"].contains($0) } + ["agent-namespace"]
    ]

  /// Which object it is.
  struct Identity: Hashable, CustomStringConvertible {
    var kind: String
    var namespace: String?
    var name: String
    var description: String { "\(kind) \(namespace.map { "\($0)/" } ?? "")\(name)" }

    init(_ object: JSONValue) {
      kind = object["kind"]?.string ?? ""
      namespace = object["metadata"]?["namespace"]?.string
      name = object["metadata"]?["name"]?.string ?? ""
    }
  }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The files with the values that stand for components.
  static func values(of components: [String]) -> [String] {
    components.map { Repository.url("charts/rollcall/ci/\($0)-values.yaml").path }
  }

  /// Renders the chart.
  /// - Parameter values: the paths of files.
  static func rendered(_ values: [String], namespace: String = "rollcall") throws -> [JSONValue] {
    let text = try Shell.run(arguments: ["bash", Repository.url("hack/render-chart").path, "--namespace", namespace] + values)
    return try YAMLNode.documents(parsing: text.utf8, file: "chart").map(\.jsonValue).filter { $0["kind"] != nil }
  }

  private func rendered(_ values: String, namespace: String = "rollcall") throws -> [JSONValue] {
    try Self.rendered([try folder.write(values, to: "values.yaml")], namespace: namespace)
  }

  /// The objects without what kustomize or Helm adds to each.
  static func compared(_ objects: [JSONValue]) throws -> [Identity: JSONValue] {
    let added = [
      "app.kubernetes.io/part-of", "app.kubernetes.io/version", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by",
      "helm.sh/chart",
    ]
    var result: [Identity: JSONValue] = [:]
    for var object in objects {
      let identity = Identity(object)
      // Helm itself creates the namespace of a release.
      if identity.kind == "Namespace", identity.name == "rollcall" { continue }
      for label in added { object["metadata"]?["labels"]?[label] = nil }
      try #require(result.updateValue(object, forKey: identity) == nil, "\(identity) appears twice")
    }
    return result
  }

  @Test(arguments: sets)
  func `R111: the chart has the objects of the manifests`(components: [String]) throws {
    let expected = try Self.compared(Kustomization.objects(components: components))
    let actual = try Self.compared(Self.rendered(Self.values(of: components)))
    #expect(expected.count > 10)
    #expect(Set(actual.keys) == Set(expected.keys))
    for (identity, object) in expected { #expect(actual[identity] == object, "\(identity)") }
  }

  @Test func `R111: Helm finds nothing to complain about, and refuses values that are none of the chart's`() throws {
    func lint(_ values: String) throws {
      let file = try folder.write(values, to: "values.yaml")
      try Shell.run("bash", Repository.url("hack/render-chart").path, "--lint", file)
    }
    try lint("{}")
    for wrong in [
      "controler: {replicas: 3}", "controller: {replicas: two}", "agent: {image: {pullPolicy: Sometimes}}", "agent: {namespace: No_Name}",
      "controller: {image: {digest: latest}}", "controller: {extraArgs: [{threshold: 5m}]}",
    ] {
      #expect(throws: CommandFailed.self, "\(wrong)") { try rendered(wrong) }
    }
  }

  @Test func `R111: what the user sets arrives in the objects`() throws {
    let objects = try rendered(
      """
      commonLabels: {team: platform}
      imagePullSecrets: [{name: registry}]
      monitoringNamespace: observability
      controller:
        replicas: 3
        image: {repository: registry.example/rollcall, digest: "sha256:\(String(repeating: "ab", count: 32))"}
        extraArgs: [--threshold=10m]
        extraEnv: [{name: ROLLCALL_ALERTMANAGER_URL, value: "http://alertmanager:9093"}]
        extraVolumes: [{name: ca, configMap: {name: ca}}]
        extraVolumeMounts: [{name: ca, mountPath: /ca}]
        podAnnotations: {reason: "1"}
        podLabels: {tier: "2"}
        resources: {limits: {memory: 1Gi}}
        nodeSelector: {pool: infra}
        tolerations: []
        affinity: {nodeAffinity: {}}
        podDisruptionBudget: {maxUnavailable: 50%}
        service: {annotations: {note: "3"}}
        serviceAccount: {name: mine, annotations: {role: "4"}}
      agent:
        image: {repository: registry.example/agent, tag: "7", pullPolicy: Always}
        extraArgs: [--sockets=off]
        nodeSelector: {kubernetes.io/os: null, agents: "yes"}
      serviceMonitor: {enabled: true, interval: 30s, additionalLabels: {release: kube, channel: a}}
      prometheusRule: {enabled: true, additionalLabels: {release: kube}}
      networkPolicy: {enabled: false}
      resourceQuota: {enabled: false}
      """, namespace: "elsewhere")
    func object(_ kind: String, _ name: String) throws -> JSONValue {
      try #require(objects.first { $0["kind"]?.string == kind && $0["metadata"]?["name"]?.string == name }, "\(kind) \(name)")
    }
    let kinds = Set(objects.compactMap { $0["kind"]?.string })
    #expect(kinds.isDisjoint(with: ["NetworkPolicy", "ResourceQuota", "Namespace"]))
    // Helm installs definitions as they are.
    for object in objects where object["kind"] != "CustomResourceDefinition" {
      #expect(object["metadata"]?["labels"]?["team"] == "platform")
      if let namespace = object["metadata"]?["namespace"] { #expect(namespace == "elsewhere") }
      for subject in object["subjects"]?.array ?? [] where subject["kind"] == "ServiceAccount" {
        #expect(subject["namespace"] == "elsewhere" && subject["name"] == "mine")
      }
    }

    let deployment = try object("Deployment", "rollcall-controller")
    #expect(deployment["spec"]?["replicas"] == 3)
    let template = deployment["spec"]?["template"]
    #expect(template?["metadata"]?["annotations"] == ["reason": "1"])
    #expect(template?["metadata"]?["labels"]?["tier"] == "2")
    let pod = template?["spec"]
    #expect(pod?["serviceAccountName"] == "mine")
    #expect(try object("ServiceAccount", "mine")["metadata"]?["annotations"] == ["role": "4"])
    #expect(pod?["imagePullSecrets"] == [["name": "registry"]])
    #expect(pod?["nodeSelector"] == ["kubernetes.io/os": "linux", "pool": "infra"])
    #expect(pod?["tolerations"] == nil)
    #expect(pod?["affinity"] == ["nodeAffinity": [:]])
    #expect(pod?["volumes"] == [["name": "ca", "configMap": ["name": "ca"]]])
    let controller = try #require(pod?["containers"]?[0])
    #expect(controller["image"]?.string == "registry.example/rollcall@sha256:" + String(repeating: "ab", count: 32))
    #expect(controller["args"] == ["controller", "--threshold=10m"])
    let variables = (controller["env"]?.array ?? []).map { "\($0["name"]?.string ?? "")=\($0["value"]?.string ?? "")" }
    #expect(
      variables.suffix(2) == [
        "ROLLCALL_ALERTMANAGER_URL=http://alertmanager:9093", "ROLLCALL_SERVICE_MONITOR_LABELS=channel=a;release=kube",
      ])
    #expect(controller["volumeMounts"] == [["name": "ca", "mountPath": "/ca"]])
    #expect(controller["resources"]?["limits"]?["memory"] == "1Gi")
    #expect(try object("PodDisruptionBudget", "rollcall-controller")["spec"]?["maxUnavailable"] == "50%")
    #expect(try object("Service", "rollcall-controller")["metadata"]?["annotations"] == ["note": "3"])

    let agents = try object("DaemonSet", "rollcall-agent")["spec"]?["template"]?["spec"]
    #expect(agents?["containers"]?[0]?["image"] == "registry.example/agent:7")
    #expect(agents?["containers"]?[0]?["imagePullPolicy"] == "Always")
    #expect(agents?["containers"]?[0]?["args"]?.array?.last == "--sockets=off")
    #expect(agents?["nodeSelector"] == ["agents": "yes"])

    let monitor = try object("ServiceMonitor", "rollcall-controller")
    #expect(monitor["metadata"]?["labels"]?["release"] == "kube")
    #expect(monitor["spec"]?["endpoints"]?[0]?["interval"] == "30s")
    #expect(try object("PrometheusRule", "rollcall")["metadata"]?["labels"]?["release"] == "kube")
    #expect(try object("ClusterRoleBinding", "rollcall-scraper")["subjects"]?[0]?["name"] == "system:serviceaccounts:observability")
  }

  @Test func `R110: images, chart and executables have one version`() throws {
    let version = ProductVersion.current
    let chart = try YAMLNode(parsing: Repository.text("charts/rollcall/Chart.yaml").utf8, file: "Chart.yaml").jsonValue
    #expect(chart["version"]?.string == version && chart["appVersion"]?.string == version)
    let pods = try Kustomization.objects().compactMap { $0["spec"]?["template"]?["spec"] }
    let containers = pods.flatMap { $0["containers"]?.array ?? [] }
    #expect(Set(containers.compactMap { $0["image"]?.string }) == ["rollcall:\(version)", "rollcall-agent:\(version)"])
    #expect(containers.allSatisfy { $0["imagePullPolicy"] == "IfNotPresent" })
  }
}
