package import JSON

extension APIResource {
  /// The path of the collection: in one namespace, or of the whole cluster for `nil`.
  func path(namespace: String?) -> String {
    let root = group.isEmpty ? "/api/\(escapedForURL(version))" : "/apis/\(escapedForURL(group))/\(escapedForURL(version))"
    let scope = namespaced ? namespace.map { "/namespaces/\(escapedForURL($0))" } ?? "" : ""
    return "\(root)\(scope)/\(escapedForURL(plural))"
  }

  func path(_ key: ObjectKey) -> String { "\(path(namespace: key.namespace))/\(escapedForURL(key.name))" }
}

/// Which objects of a resource a list or a watch is of.
public struct Selection: Hashable, Sendable {
  /// One namespace; `nil` for all.
  public var namespace: String?
  /// As `kubectl -l` takes it, for example `app=web,tier!=cache`.
  public var labels: String?
  /// As `kubectl --field-selector` takes it, for example `spec.nodeName=worker-1`.
  public var fields: String?

  public init(namespace: String? = nil, labels: String? = nil, fields: String? = nil) {
    self.namespace = namespace
    self.labels = labels
    self.fields = fields
  }

  /// Everything.
  public static let all = Selection()

  var query: [QueryItem] {
    var items: [QueryItem] = []
    if let labels { items.append(QueryItem("labelSelector", labels)) }
    if let fields { items.append(QueryItem("fieldSelector", fields)) }
    return items
  }
}

/// What must still be true of an object for it to be deleted; `nil` asks nothing.
public struct DeletePreconditions: Hashable, Sendable {
  /// It is still this very object, not another of the same name.
  public var uid: String?
  /// Nobody has written to it since.
  public var resourceVersion: String?

  public init(uid: String? = nil, resourceVersion: String? = nil) {
    self.uid = uid
    self.resourceVersion = resourceVersion
  }
}

// The verbs: https://kubernetes.io/docs/reference/using-api/api-concepts/
extension APIRequest {
  /// One object.
  package static func get(_ resource: APIResource, _ key: ObjectKey) -> APIRequest {
    APIRequest(method: "GET", path: resource.path(key))
  }

  /// One page of a list. No `resourceVersion` is sent: the answer is as of now, from etcd, not from a cache that may be behind (R01). With
  /// a continue token it would be refused, since the token holds it (R02).
  /// - Parameter limit: at most so many objects; `nil` for all of them in one answer.
  package static func list(
    _ resource: APIResource, _ selection: Selection = .all, limit: Int?, continue token: String? = nil, accept: String = MediaType.json
  ) -> APIRequest {
    var query = selection.query
    if let limit { query.append(QueryItem("limit", String(limit))) }
    if let token { query.append(QueryItem("continue", token)) }
    return APIRequest(method: "GET", path: resource.path(namespace: selection.namespace), query: query, accept: accept)
  }

  /// The first object of a list that has to be of that resource version or a later one: a server that is behind it refuses, with
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

  /// The events after a resource version, with bookmarks.
  /// - Parameter timeoutSeconds: when the server is to end the stream.
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

  /// What is there now, as ADDED events up to a bookmark that marks their end, and then the changes after it. No `resourceVersion` is sent:
  /// the beginning is as new as a list's (R01).
  ///
  /// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists
  /// - Parameter timeoutSeconds: when the server is to end the stream.
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

  /// A new object.
  package static func create(_ resource: APIResource, namespace: String, _ object: JSONValue) -> APIRequest {
    APIRequest(method: "POST", path: resource.path(namespace: namespace), body: object.bytes, contentType: MediaType.json)
  }

  /// Server-side apply: the fields of `object` become `fieldManager`'s, and so do those of other managers if `force`.
  package static func apply(
    _ resource: APIResource, _ key: ObjectKey, _ object: JSONValue, fieldManager: String, force: Bool
  ) -> APIRequest {
    APIRequest(
      method: "PATCH", path: resource.path(key),
      query: [QueryItem("fieldManager", fieldManager), QueryItem("force", force ? "true" : "false")],
      body: object.bytes, contentType: MediaType.apply)
  }

  /// A merge patch (RFC 7386): these members of the object in place of what they are.
  package static func merge(_ resource: APIResource, _ key: ObjectKey, _ patch: JSONValue) -> APIRequest {
    APIRequest(method: "PATCH", path: resource.path(key), body: patch.bytes, contentType: MediaType.mergePatch)
  }

  /// The whole object in place of what there is, of that version if it names one.
  package static func replace(_ resource: APIResource, _ key: ObjectKey, _ object: JSONValue) -> APIRequest {
    APIRequest(method: "PUT", path: resource.path(key), body: object.bytes, contentType: MediaType.json)
  }

  /// The end of an object, if the preconditions hold.
  package static func delete(_ resource: APIResource, _ key: ObjectKey, _ preconditions: DeletePreconditions) -> APIRequest {
    var options: JSONValue = ["kind": "DeleteOptions", "apiVersion": "v1"]
    var conditions: [String: JSONValue] = [:]
    conditions["uid"] = preconditions.uid.map { .string($0) }
    conditions["resourceVersion"] = preconditions.resourceVersion.map { .string($0) }
    if !conditions.isEmpty { options["preconditions"] = .object(conditions) }
    return APIRequest(method: "DELETE", path: resource.path(key), body: options.bytes, contentType: MediaType.json)
  }

  /// What a node's kubelet answers at a path, through the API server. Asks for the right to `get` on `nodes/proxy`.
  package static func nodeProxy(_ node: String, path: String) -> APIRequest {
    APIRequest(method: "GET", path: "/api/v1/nodes/\(escapedForURL(node))/proxy/\(path)")
  }
}
