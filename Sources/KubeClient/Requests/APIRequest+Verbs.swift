package import JSON
internal import Primitives

extension APIResource {
  /// The path of the collection in one namespace, or in the whole cluster if `namespace` is `nil`.
  func path(namespace: String?) -> String {
    let root = group.isEmpty ? "/api/\(escapedForURL(version))" : "/apis/\(escapedForURL(group))/\(escapedForURL(version))"
    let scope = namespaced ? namespace.map { "/namespaces/\(escapedForURL($0))" } ?? "" : ""
    return "\(root)\(scope)/\(escapedForURL(plural))"
  }

  func path(_ key: ObjectKey) -> String { "\(path(namespace: key.namespace))/\(escapedForURL(key.name))" }
}

/// Which objects of a resource to list or watch.
public struct Selection: Hashable, Sendable {
  /// `nil` for all namespaces.
  public var namespace: String?
  /// A label selector as for `kubectl -l`, e.g. `app=web,tier!=cache`.
  public var labels: String?
  /// A field selector as for `kubectl --field-selector`, e.g. `spec.nodeName=worker-1`.
  public var fields: String?

  public init(namespace: String? = nil, labels: String? = nil, fields: String? = nil) {
    self.namespace = namespace
    self.labels = labels
    self.fields = fields
  }

  /// All objects.
  public static let all = Selection()

  var query: [QueryItem] {
    var items: [QueryItem] = []
    if let labels { items.append(QueryItem("labelSelector", labels)) }
    if let fields { items.append(QueryItem("fieldSelector", fields)) }
    return items
  }
}

/// Conditions on the object to delete; `nil` for no condition.
public struct DeletePreconditions: Hashable, Sendable {
  /// Protects a new object of the same name.
  public var uid: String?
  /// Fails if the object was changed since this version.
  public var resourceVersion: String?

  public init(uid: String? = nil, resourceVersion: String? = nil) {
    self.uid = uid
    self.resourceVersion = resourceVersion
  }
}

// The verbs: https://kubernetes.io/docs/reference/using-api/api-concepts/
extension APIRequest {
  /// Gets one object.
  package static func get(_ resource: APIResource, _ key: ObjectKey) -> APIRequest {
    APIRequest(method: "GET", path: resource.path(key))
  }

  /// Objects per page, as in client-go. At 6.4 KB per Pod a page is 3.2 MB, and 150,000 Pods take 300 requests.
  package static let pageSize = 500

  /// Lists one page. Sends no `resourceVersion`, so the response is read from etcd and not from a cache that may be stale (R01). With a
  /// continue token the server would refuse it, since the token contains the version (R02).
  /// - Parameter limit: the page size; `nil` for all objects in one response.
  package static func list(
    _ resource: APIResource, _ selection: Selection = .all, limit: Int?, continue token: String? = nil, accept: String = MediaType.json
  ) -> APIRequest {
    var query = selection.query
    if let limit { query.append(QueryItem("limit", String(limit))) }
    if let token { query.append(QueryItem("continue", token)) }
    return APIRequest(method: "GET", path: resource.path(namespace: selection.namespace), query: query, accept: accept)
  }

  /// Lists one object at this resource version or a later one. A server that has not reached the version refuses with
  /// `APIStatus.isTooLargeResourceVersion`.
  package static func one(
    of resource: APIResource, _ selection: Selection = .all, notOlderThan resourceVersion: String, accept: String = MediaType.json
  ) -> APIRequest {
    let query =
      selection.query + [
        QueryItem("limit", "1"), QueryItem("resourceVersion", resourceVersion), QueryItem("resourceVersionMatch", "NotOlderThan"),
      ]
    return APIRequest(method: "GET", path: resource.path(namespace: selection.namespace), query: query, accept: accept)
  }

  /// Watches the changes after a resource version, with bookmarks.
  /// - Parameter timeoutSeconds: when the server ends the stream.
  package static func watch(
    _ resource: APIResource, _ selection: Selection = .all, from resourceVersion: String, timeoutSeconds: Int,
    accept: String = MediaType.json
  ) -> APIRequest {
    let query =
      selection.query + [
        QueryItem("watch", "true"), QueryItem("allowWatchBookmarks", "true"), QueryItem("resourceVersion", resourceVersion),
        QueryItem("timeoutSeconds", String(timeoutSeconds)),
      ]
    return APIRequest(method: "GET", path: resource.path(namespace: selection.namespace), query: query, accept: accept)
  }

  /// Watches from the current state: first all objects as ADDED events, then a bookmark, then changes. Sends no `resourceVersion`, so the
  /// initial events are as fresh as a list (R01).
  ///
  /// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
  /// - Parameter timeoutSeconds: when the server ends the stream.
  package static func watchInitially(
    _ resource: APIResource, _ selection: Selection = .all, timeoutSeconds: Int, accept: String = MediaType.json
  ) -> APIRequest {
    let query =
      selection.query + [
        QueryItem("watch", "true"), QueryItem("sendInitialEvents", "true"), QueryItem("resourceVersionMatch", "NotOlderThan"),
        QueryItem("allowWatchBookmarks", "true"), QueryItem("timeoutSeconds", String(timeoutSeconds)),
      ]
    return APIRequest(method: "GET", path: resource.path(namespace: selection.namespace), query: query, accept: accept)
  }

  /// Creates an object.
  package static func create(_ resource: APIResource, namespace: String, _ object: JSONValue) -> APIRequest {
    APIRequest(method: "POST", path: resource.path(namespace: namespace), body: object.bytes, contentType: MediaType.json)
  }

  /// Server-side apply. `fieldManager` becomes the owner of the object's fields; `force` takes over fields of other managers.
  package static func apply(
    _ resource: APIResource, _ key: ObjectKey, _ object: JSONValue, fieldManager: String, force: Bool, subresource: String? = nil
  ) -> APIRequest {
    APIRequest(
      method: "PATCH", path: resource.path(key) + (subresource.map { "/\($0)" } ?? ""),
      query: [QueryItem("fieldManager", fieldManager), QueryItem("force", force ? "true" : "false")],
      body: object.bytes, contentType: MediaType.apply)
  }

  /// Merge patch (RFC 7386).
  package static func merge(_ resource: APIResource, _ key: ObjectKey, _ patch: JSONValue) -> APIRequest {
    APIRequest(method: "PATCH", path: resource.path(key), body: patch.bytes, contentType: MediaType.mergePatch)
  }

  /// Replaces an object. If the object has a resource version, it must be the stored one.
  package static func replace(_ resource: APIResource, _ key: ObjectKey, _ object: JSONValue) -> APIRequest {
    APIRequest(method: "PUT", path: resource.path(key), body: object.bytes, contentType: MediaType.json)
  }

  /// Deletes an object if the preconditions hold.
  package static func delete(_ resource: APIResource, _ key: ObjectKey, _ preconditions: DeletePreconditions) -> APIRequest {
    var options: JSONValue = ["kind": "DeleteOptions", "apiVersion": "v1"]
    var conditions: JSONObject = [:]
    conditions["uid"] = preconditions.uid.map { .string($0) }
    conditions["resourceVersion"] = preconditions.resourceVersion.map { .string($0) }
    if !conditions.isEmpty { options["preconditions"] = .object(conditions) }
    return APIRequest(method: "DELETE", path: resource.path(key), body: options.bytes, contentType: MediaType.json)
  }

  /// Gets a path of a node's kubelet through the API server. Requires `get` on `nodes/proxy`.
  package static func nodeProxy(_ node: String, path: String) -> APIRequest {
    APIRequest(method: "GET", path: "/api/v1/nodes/\(escapedForURL(node))/proxy/\(path)")
  }
}
