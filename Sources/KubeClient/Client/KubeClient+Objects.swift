public import JSON

/// A complete list at one resource version.
public struct ObjectList: Sendable {
  /// Each with `apiVersion` and `kind`, which list items lack on the wire.
  public var items: [JSONValue]
  /// The version to start a watch from.
  public var resourceVersion: String
}

extension KubeClient {
  /// Fetches one object.
  /// - Throws: `KubeError.status` with `isNotFound` if it does not exist.
  public func get(_ resource: APIResource, name: String, namespace: String? = nil) async throws(KubeError) -> JSONValue {
    try await object(.get(resource, ObjectKey(namespace: namespace ?? "", name: name)))
  }

  /// Fetches all selected objects, in pages of 500.
  ///
  /// The list is consistent: if its version expires between two pages, the pages are dropped and the list is fetched again without pages.
  public func list(_ resource: APIResource, _ selection: Selection = .all) async throws(KubeError) -> ObjectList {
    try await allPages(of: resource, selection)
  }

  /// Creates an object in the namespace of its metadata.
  /// - Parameter resource: required if `APIResource.known` does not have the object's kind.
  /// - Returns: The stored object.
  @discardableResult
  public func create(_ object: JSONValue, in resource: APIResource? = nil) async throws(KubeError) -> JSONValue {
    let resource = try self.resource(of: object, named: resource)
    return try await self.object(.create(resource, namespace: object["metadata"]?["namespace"]?.string ?? "", object))
  }

  /// Applies the object's fields (server-side apply), and creates the object if it does not exist.
  /// - Parameters:
  ///   - fieldManager: the owner of the fields.
  ///   - force: take over fields of other managers instead of failing with `isConflict`.
  ///   - resource: required if `APIResource.known` does not have the object's kind.
  /// - Returns: The stored object.
  @discardableResult
  public func apply(
    _ object: JSONValue, fieldManager: String, force: Bool = false, in resource: APIResource? = nil
  ) async throws(KubeError) -> JSONValue {
    let resource = try self.resource(of: object, named: resource)
    return try await self.object(.apply(resource, try key(of: object), object, fieldManager: fieldManager, force: force))
  }

  /// Applies the status of an object that exists (server-side apply of the subresource `status`).
  /// - Parameters:
  ///   - object: of which only the name and the status count.
  ///   - resource: required if `APIResource.known` does not have the object's kind.
  /// - Returns: The stored object.
  @discardableResult
  public func applyStatus(
    _ object: JSONValue, fieldManager: String, force: Bool = false, in resource: APIResource? = nil
  ) async throws(KubeError) -> JSONValue {
    let resource = try self.resource(of: object, named: resource)
    return try await self.object(
      .apply(resource, try key(of: object), object, fieldManager: fieldManager, force: force, subresource: "status"))
  }

  /// Replaces an object. If `metadata.resourceVersion` is set and is not the stored one, fails with `isConflict`.
  /// - Parameter resource: required if `APIResource.known` does not have the object's kind.
  /// - Returns: The stored object.
  @discardableResult
  public func replace(_ object: JSONValue, in resource: APIResource? = nil) async throws(KubeError) -> JSONValue {
    let resource = try self.resource(of: object, named: resource)
    return try await self.object(.replace(resource, try key(of: object), object))
  }

  /// Deletes an object. Fails with `isConflict` if a precondition does not hold.
  public func delete(
    _ resource: APIResource, name: String, namespace: String? = nil, preconditions: DeletePreconditions = DeletePreconditions()
  ) async throws(KubeError) {
    _ = try await send(.delete(resource, ObjectKey(namespace: namespace ?? "", name: name), preconditions))
  }
}

extension KubeClient {
  func allPages(of resource: APIResource, _ selection: Selection) async throws(KubeError) -> ObjectList {
    var items: [JSONValue] = []
    var token: String?
    var limit: Int? = APIRequest.pageSize
    while true {
      let page: JSONValue
      do {
        page = try await object(
          .list(resource, selection, limit: limit, continue: token), limits: limit == nil ? .wholeList : .page)
      } catch {
        guard token != nil, error.status?.isExpired == true else { throw error }
        (items, token, limit) = ([], nil, nil)
        continue
      }
      guard let metadata = page["metadata"], let version = metadata["resourceVersion"]?.string else {
        throw .decode("the response to a list of \(resource.plural) has no metadata.resourceVersion")
      }
      for item in page["items"]?.array ?? [] {
        items.append(item.withTypeMeta(of: resource))
      }
      guard let next = metadata["continue"]?.string, !next.isEmpty else {
        return ObjectList(items: items, resourceVersion: version)
      }
      token = next
    }
  }

  /// The given resource, or the known resource for the object's `apiVersion` and `kind`.
  func resource(of object: JSONValue, named: APIResource?) throws(KubeError) -> APIResource {
    if let named { return named }
    let apiVersion = object["apiVersion"]?.string ?? ""
    let kind = object["kind"]?.string ?? ""
    guard let resource = APIResource.known(apiVersion: apiVersion, kind: kind) else {
      throw .request("unknown apiVersion '\(apiVersion)', kind '\(kind)'; pass its APIResource")
    }
    return resource
  }

  func key(of object: JSONValue) throws(KubeError) -> ObjectKey {
    guard let name = object["metadata"]?["name"]?.string, !name.isEmpty else {
      throw .request("the object has no metadata.name")
    }
    return ObjectKey(namespace: object["metadata"]?["namespace"]?.string ?? "", name: name)
  }
}

extension JSONValue {
  /// Adds `apiVersion` and `kind`, which list items lack.
  fileprivate func withTypeMeta(of resource: APIResource) -> JSONValue {
    var object = self
    if object["apiVersion"] == nil { object["apiVersion"] = .string(resource.apiVersion) }
    if object["kind"] == nil { object["kind"] = .string(resource.kind) }
    return object
  }
}
