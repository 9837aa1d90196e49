import Foundation
import JSON
import TestSupport
import Testing
import YAML

/// The container of the agent in `manifests/`, as options of `ctr run`.
struct AgentManifest {
  private static let folder =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/manifests"

  private let pod: JSONValue
  private let container: JSONValue
  /// Without the prefix `CAP_`.
  let capabilities: [String]

  /// - Parameter component: the component whose patch adds a capability.
  init(component: String? = nil) throws {
    let daemonSet = try #require(Self.documents("default/agent.yaml").first { $0["kind"] == "DaemonSet" })
    pod = try #require(daemonSet["spec"]?["template"]?["spec"])
    container = try #require(pod["containers"]?[0])
    var added = try #require(container["securityContext"]?["capabilities"]?["add"]?.array).compactMap(\.string)
    if let component {
      let patch = try #require(Self.documents("\(component)/kustomization.yaml").first?["patches"]?[0]?["patch"]?.string)
      let operation = try #require(YAMLNode(parsing: patch.utf8, file: component).jsonValue[0])
      #expect(operation["op"] == "add")
      #expect(operation["path"] == "/spec/template/spec/containers/0/securityContext/capabilities/add/-")
      added.append(try #require(operation["value"]?.string))
    }
    capabilities = added
  }

  private static func documents(_ path: String) throws -> [JSONValue] {
    try YAMLNode.documents(parsing: Data(contentsOf: URL(filePath: "\(folder)/\(path)")), file: path).map(\.jsonValue)
  }

  var arguments: [String] { container["args"]?.array?.compactMap(\.string) ?? [] }

  /// - Parameter volumes: the folders for volumes that are not host paths, by the name of the volume.
  func options(volumes: [String: String]) throws -> [String] {
    // Fails on a setting that is not translated below.
    let security = try #require(container["securityContext"])
    #expect(
      security.keys == [
        "runAsUser", "runAsGroup", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities", "appArmorProfile",
        "seLinuxOptions",
      ])
    #expect(pod["securityContext"] == ["seccompProfile": ["type": "RuntimeDefault"]])
    #expect(security["runAsUser"] == 0 && security["runAsGroup"] == 0)
    #expect(security["capabilities"]?["drop"] == ["ALL"])
    var options = ["--seccomp"] + Self.defaults.flatMap { ["--cap-drop", "CAP_\($0)"] }
    options += capabilities.flatMap { ["--cap-add", "CAP_\($0)"] }
    if security["readOnlyRootFilesystem"] == true { options.append("--read-only") }
    if security["allowPrivilegeEscalation"] != false { options.append("--allow-new-privs") }
    if pod["hostNetwork"] == true { options.append("--net-host") }
    // The PID namespace of runc is the host's.
    if pod["hostPID"] == true { options += ["--with-ns", "pid:/proc/self/ns/pid"] }
    for mount in container["volumeMounts"]?.array ?? [] {
      let name = try #require(mount["name"]?.string)
      let volume = pod["volumes"]?.array?.first { $0["name"]?.string == name }
      let folder = try #require(volume?["hostPath"]?["path"]?.string ?? volumes[name], "no folder for the volume \(name)")
      #expect(mount["readOnly"] == true)
      options += Containerd.sharing(folder, at: try #require(mount["mountPath"]?.string))
    }
    return options
  }

  /// The default capabilities of containerd.
  private static let defaults = [
    "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE",
    "SYS_CHROOT", "KILL", "AUDIT_WRITE",
  ]

  /// The bits of `CapEff` in `/proc/<pid>/status`. Source: the kernel's include/uapi/linux/capability.h.
  var bits: UInt64 {
    get throws {
      let numbers: [String: UInt64] = ["DAC_READ_SEARCH": 2, "SYS_PTRACE": 19, "SYS_ADMIN": 21]
      return try capabilities.reduce(0) { $0 | 1 << (try #require(numbers[$1], "unknown capability \($1)")) }
    }
  }
}

extension JSONValue {
  fileprivate var keys: Set<String> {
    if case .object(let members) = self { Set(members.keys) } else { [] }
  }
}
