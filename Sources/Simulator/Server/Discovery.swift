import JSON

/// What a client asks to find out what there is: versions, groups, resources, health.
enum Discovery {
  /// The minor version that the server says it is.
  static let minorVersion = "32"

  /// The answer, or `nil` for a path that is not about discovery.
  static func answer(_ request: APIRequest) -> APIAnswer? {
    guard request.method == "GET" else { return nil }
    switch request.path.first {
    case "healthz", "livez", "readyz": return .whole(status: 200, contentType: "text/plain", body: Array("ok".utf8))
    case "version": return json(version)
    case nil: return json(["paths": .array(paths.map { .string($0) })])
    case "api" where request.path.count == 1: return json(coreVersions)
    case "apis" where request.path.count == 1: return json(groupList)
    case "api" where request.path.count == 2: return resources(group: "", version: request.path[1])
    case "apis" where request.path.count == 2: return groups.first { $0.name == request.path[1] }.map { json($0.json) }
    case "apis" where request.path.count == 3: return resources(group: request.path[1], version: request.path[2])
    case "openapi": return OpenAPI.answer(request)
    default: return nil
    }
  }

  static func json(_ value: JSONValue) -> APIAnswer {
    .whole(status: 200, contentType: MediaType.json, body: value.bytes)
  }

  private static let version: JSONValue = [
    "major": "1", "minor": .string(minorVersion), "gitVersion": .string("v1.\(minorVersion).0-rollcall"), "gitCommit": "",
    "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "swift", "platform": "linux/amd64",
  ]

  private static let coreVersions: JSONValue = [
    "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [],
  ]

  private static var paths: [String] {
    ["/api", "/api/v1", "/apis"] + groups.flatMap { ["/apis/\($0.name)", "/apis/\($0.name)/\($0.version)"] }
      + ["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]
  }

  // MARK: Groups

  /// A group with its one version.
  private struct Group: Hashable {
    var name: String
    var version: String

    var json: JSONValue {
      let version: JSONValue = ["groupVersion": .string("\(name)/\(version)"), "version": .string(self.version)]
      return ["kind": "APIGroup", "apiVersion": "v1", "name": .string(name), "versions": [version], "preferredVersion": version]
    }
  }

  private static let groups: [Group] = Set(ResourceTable.all.map { Group(name: $0.group, version: $0.version) })
    .filter { !$0.name.isEmpty }.sorted { $0.name < $1.name }

  private static var groupList: JSONValue {
    ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map(\.json))]
  }

  // MARK: Resources

  private static func resources(group: String, version: String) -> APIAnswer? {
    let kinds = ResourceTable.all.filter { $0.group == group && $0.version == version }
    guard let first = kinds.first else { return nil }
    let resources = kinds.flatMap { kind in
      kind.hasStatus ? [resource(kind), statusResource(kind)] : [resource(kind)]
    }
    return json([
      "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(first.apiVersion), "resources": .array(resources),
    ])
  }

  private static func resource(_ kind: ResourceKind) -> JSONValue {
    var resource: JSONValue = [
      "name": .string(kind.plural), "singularName": .string(kind.singular), "namespaced": .bool(kind.isNamespaced),
      "kind": .string(kind.kind), "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    ]
    if !kind.shortNames.isEmpty { resource["shortNames"] = .array(kind.shortNames.map { .string($0) }) }
    if !kind.categories.isEmpty { resource["categories"] = .array(kind.categories.map { .string($0) }) }
    return resource
  }

  private static func statusResource(_ kind: ResourceKind) -> JSONValue {
    [
      "name": .string("\(kind.plural)/status"), "singularName": "", "namespaced": .bool(kind.isNamespaced), "kind": .string(kind.kind),
      "verbs": ["get", "patch", "update"],
    ]
  }
}
