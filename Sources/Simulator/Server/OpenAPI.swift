import JSON

/// The OpenAPI documents, as far as `kubectl apply` looks into them: whether a kind can be patched with `fieldValidation`.
/// Source: k8s.io/cli-runtime, pkg/resource/query_param_verifier_v3.go.
enum OpenAPI {
  static func answer(_ request: APIRequest) -> APIAnswer? {
    guard request.path.count >= 2, request.path[1] == "v3" else { return nil }
    if request.path.count == 2 { return Discovery.json(index) }
    let kinds = ResourceTable.all.filter { path(of: $0) == request.path.dropFirst(2).joined(separator: "/") }
    return kinds.isEmpty ? nil : Discovery.json(document(kinds))
  }

  private static var index: JSONValue {
    let paths = Set(ResourceTable.all.map { path(of: $0) }).map { path in
      (path, JSONValue.object(["serverRelativeURL": .string("/openapi/v3/\(path)?hash=1")]))
    }
    return ["paths": .object(Dictionary(paths, uniquingKeysWith: { first, _ in first }))]
  }

  private static func document(_ kinds: [ResourceKind]) -> JSONValue {
    var paths: [String: JSONValue] = [:]
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
