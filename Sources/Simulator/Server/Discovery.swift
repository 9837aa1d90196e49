import JSON

/// Discovery and health: versions, groups, resources.
enum Discovery {
  /// The minor version of Kubernetes that the server reports.
  static let minorVersion = "32"

  /// The response, or `nil` for a path that is not part of discovery.
  static func response(to request: APIRequest) -> APIResponse? {
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
    case "openapi": return OpenAPI.response(to: request)
    default: return nil
    }
  }

  static func json(_ value: JSONValue) -> APIResponse {
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
    ["/api", "/api/v1", "/apis"] + groups.flatMap { group in ["/apis/\(group.name)"] + group.versions.map { "/apis/\(group.name)/\($0)" } }
      + ["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]
  }

  // MARK: Groups

  /// A group with its versions, the preferred one first.
  private struct Group: Hashable {
    var name: String
    var versions: [String]

    var json: JSONValue {
      let versions: [JSONValue] = versions.map { ["groupVersion": .string("\(name)/\($0)"), "version": .string($0)] }
      return ["kind": "APIGroup", "apiVersion": "v1", "name": .string(name), "versions": .array(versions), "preferredVersion": versions[0]]
    }
  }

  /// `v1` sorts before `v1alpha1`.
  private static let groups: [Group] = Dictionary(grouping: ResourceTable.all, by: \.group)
    .filter { !$0.key.isEmpty }.map { Group(name: $0.key, versions: Set($0.value.map(\.version)).sorted()) }.sorted { $0.name < $1.name }

  private static var groupList: JSONValue {
    ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map(\.json))]
  }

  // MARK: Resources

  private static func resources(group: String, version: String) -> APIResponse? {
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

/// The part of the OpenAPI documents that `kubectl apply` reads: whether a kind's PATCH has `fieldValidation`.
/// Source: k8s.io/cli-runtime, pkg/resource/query_param_verifier_v3.go.
enum OpenAPI {
  static func response(to request: APIRequest) -> APIResponse? {
    guard request.path.count >= 2, request.path[1] == "v3" else { return nil }
    if request.path.count == 2 { return Discovery.json(index) }
    let kinds = ResourceTable.all.filter { path(of: $0) == request.path.dropFirst(2).joined(separator: "/") }
    return kinds.isEmpty ? nil : Discovery.json(document(kinds))
  }

  private static var index: JSONValue {
    let paths = Set(ResourceTable.all.map { path(of: $0) }).map { path in
      (path, JSONValue.object(["serverRelativeURL": .string("/openapi/v3/\(path)?hash=1")]))
    }
    return ["paths": .object(JSONObject(paths))]
  }

  private static func document(_ kinds: [ResourceKind]) -> JSONValue {
    var paths: JSONObject = [:]
    for kind in kinds {
      let collection = "/\(path(of: kind))/" + (kind.isNamespaced ? "namespaces/{namespace}/" : "") + kind.plural
      paths["\(collection)/{name}"] = ["patch": operation(kind)]
    }
    return [
      "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": .string("v1.\(Discovery.minorVersion).0")], "paths": .object(paths),
      "components": ["schemas": [:]],
    ]
  }

  private static func operation(_ kind: ResourceKind) -> JSONValue {
    [
      "parameters": .array(
        ["dryRun", "fieldManager", "fieldValidation", "force"].map { name in
          ["name": .string(name), "in": "query", "schema": ["type": "string", "uniqueItems": true]]
        }),
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)],
      "responses": ["200": ["description": "OK"]],
    ]
  }

  private static func path(of kind: ResourceKind) -> String {
    kind.group.isEmpty ? "api/\(kind.version)" : "apis/\(kind.apiVersion)"
  }
}
