import Controller
import Foundation
import JSON
import Primitives
import TestSupport
import Testing

/// What the components for single platforms change (docs/security.md, "Where Rollcall runs").
@Suite(.ownThread, .enabled(if: Kustomization.isInstalled, "kubectl is not installed"))
struct PlatformTests {
  private func object(_ kind: String, _ name: String, of objects: [JSONValue]) throws -> JSONValue {
    try #require(objects.first { $0["kind"]?.string == kind && $0["metadata"]?["name"]?.string == name }, "\(kind) \(name)")
  }

  private func pod(_ kind: String, _ name: String, of objects: [JSONValue]) throws -> JSONValue {
    try #require(object(kind, name, of: objects)["spec"]?["template"]?["spec"])
  }

  /// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
  @Test func `R109: only the namespace of the agents is privileged, and what is in the other one is restricted`() throws {
    let objects = try Kustomization.objects(components: ["monitoring", "openshift", "agent-namespace"])
    func level(_ namespace: String) throws -> String? {
      try object("Namespace", namespace, of: objects)["metadata"]?["labels"]?["pod-security.kubernetes.io/enforce"]?.string
    }
    #expect(try level("rollcall") == "restricted")
    #expect(try level("rollcall-agents") == "privileged")
    func namespace(_ kind: String, _ name: String) throws -> String? {
      try object(kind, name, of: objects)["metadata"]?["namespace"]?.string
    }
    for kind in ["DaemonSet", "ServiceAccount", "NetworkPolicy", "Role", "RoleBinding"] {
      #expect(try namespace(kind, "rollcall-agent") == "rollcall-agents", "\(kind)")
    }
    #expect(try namespace("Deployment", "rollcall-controller") == "rollcall")
    let variables = try pod("Deployment", "rollcall-controller", of: objects)["containers"]?[0]?["env"]?.array ?? []
    #expect(variables.contains(["name": "ROLLCALL_AGENT_NAMESPACE", "value": "rollcall-agents"]))
    // The roll comes from a controller, which is in another namespace than the agents.
    let admitted = try object("NetworkPolicy", "rollcall-agent", of: objects)["spec"]?["ingress"]?[0]?["from"]?[0]
    #expect(admitted?["namespaceSelector"] == ["matchLabels": ["kubernetes.io/metadata.name": "rollcall"]])
    #expect(admitted?["podSelector"]?["matchLabels"]?["app.kubernetes.io/component"] == "controller")
    // A ServiceMonitor refers to Secrets of its own namespace only.
    let monitor = try object("ServiceMonitor", "rollcall-controller", of: objects)
    #expect(monitor["spec"]?["endpoints"]?[0]?["tlsConfig"]?["ca"]?["secret"]?["name"] == "rollcall-authority")
  }

  @Test func `R109: the controller may do in the agents' namespace what it does there`() throws {
    let objects = try Kustomization.objects(components: ["agent-namespace"])
    let role = try #require(
      objects.first { $0["kind"] == "Role" && $0["metadata"]?["namespace"] == "rollcall-agents" })
    let own = try #require(objects.first { $0["kind"] == "Role" && $0["metadata"]?["namespace"] == "rollcall" })
    func rules(_ role: JSONValue, _ resource: String) -> [JSONValue] {
      role["rules"]?.array?.filter { $0["resources"] == [.string(resource)] } ?? []
    }
    // As in its own namespace, where a test of ManifestTests compares the rights with the requests, but for the authority's Secret.
    #expect(rules(role, "daemonsets") == rules(own, "daemonsets"))
    let expected = rules(own, "secrets").map { rule in
      var rule = rule
      if rule["resourceNames"] != nil { rule["resourceNames"] = ["rollcall-tls"] }
      return rule
    }
    #expect(rules(role, "secrets") == expected)
    #expect(role["rules"]?.array?.count == 3)
  }

  /// https://docs.redhat.com/en/documentation/openshift_container_platform/ ("Managing security context constraints")
  @Test(arguments: [false, true])
  func `R109: on OpenShift the constraints allow what the agent asks for, and the controller has no fixed user`(
    countsStates: Bool
  ) throws {
    let objects = try Kustomization.objects(components: ["openshift"] + (countsStates ? ["socket-states"] : []))
    let constraints = try object("SecurityContextConstraints", "rollcall-agent", of: objects)
    let agents = try pod("DaemonSet", "rollcall-agent", of: objects)
    let container = try #require(agents["containers"]?[0])
    for (constraint, setting) in [("allowHostPID", "hostPID"), ("allowHostNetwork", "hostNetwork"), ("allowHostIPC", "hostIPC")] {
      #expect(constraints[constraint]?.bool == (agents[setting]?.bool ?? false), "\(constraint)")
    }
    #expect(constraints["allowPrivilegedContainer"] == false && container["securityContext"]?["privileged"] == nil)
    #expect(constraints["allowPrivilegeEscalation"] == container["securityContext"]?["allowPrivilegeEscalation"])
    #expect(constraints["readOnlyRootFilesystem"] == container["securityContext"]?["readOnlyRootFilesystem"])
    #expect(constraints["allowedCapabilities"] == container["securityContext"]?["capabilities"]?["add"])
    #expect(constraints["allowedCapabilities"]?.array?.contains("SYS_ADMIN") == countsStates)
    let volumes = agents["volumes"]?.array?.flatMap { $0.object?.keys.filter { $0 != "name" } ?? [] } ?? []
    #expect(Set(constraints["volumes"]?.array?.compactMap(\.string) ?? []) == Set(volumes))

    let binding = try object("RoleBinding", "rollcall-agent", of: objects)
    #expect(binding["subjects"] == [["kind": "ServiceAccount", "name": "rollcall-agent", "namespace": "rollcall"]])
    #expect(
      try object("Role", "rollcall-agent", of: objects)["rules"] == [
        [
          "apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"], "resourceNames": ["rollcall-agent"],
          "verbs": ["use"],
        ]
      ])

    let security = try pod("Deployment", "rollcall-controller", of: objects)["securityContext"]
    #expect(security == ["runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]])
  }

  /// appArmorProfile is of 1.30, matchLabelKeys of a pod affinity of 1.29; kubectl refuses unknown fields.
  @Test func `R109: before Kubernetes 1.30 the agent's AppArmor profile is an annotation`() throws {
    let objects = try Kustomization.objects(components: ["apparmor-annotation"])
    let template = try object("DaemonSet", "rollcall-agent", of: objects)["spec"]?["template"]
    #expect(template?["metadata"]?["annotations"] == ["container.apparmor.security.beta.kubernetes.io/agent": "unconfined"])
    #expect(template?["spec"]?["containers"]?[0]?["name"] == "agent")
    func fields(_ value: JSONValue) -> Set<String> {
      switch value {
      case .object(let members): members.reduce(into: Set(members.keys)) { $0.formUnion(fields($1.1)) }
      case .array(let items): items.reduce(into: []) { $0.formUnion(fields($1)) }
      default: []
      }
    }
    for object in objects { #expect(fields(object).isDisjoint(with: ["appArmorProfile", "matchLabelKeys"])) }
  }

  @Test func `R109: where no agent may run, Linux nodes are exempt, and others are collected`() throws {
    let objects = try Kustomization.objects(components: ["no-agents"])
    #expect(!objects.contains { $0["metadata"]?["name"] == "rollcall-agent" })
    let variables = try pod("Deployment", "rollcall-controller", of: objects)["containers"]?[0]?["env"]?.array ?? []
    let environment = variables.compactMap { variable in
      variable["name"]?.string.flatMap { name in variable["value"]?.string.map { (name, $0) } }
    }
    let settings = try SettingsSources(environment: Dictionary(uniqueKeysWithValues: environment)).settings()
    func isIgnored(_ labels: [String: String]) -> Bool { settings.ignoredNodes.contains { $0.matches(labels) } }
    #expect(isIgnored(["kubernetes.io/os": "linux"]))
    #expect(!isIgnored(["kubernetes.io/os": "windows"]))
    #expect(!isIgnored(["kubernetes.io/os": "linux", "type": "virtual-kubelet"]))
  }
}
