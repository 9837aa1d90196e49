public import JSON

/// A whole list, as of one moment.
public struct ObjectList: Sendable {
  /// Each with its `apiVersion` and `kind`, which the items of a list on the wire lack.
  public var items: [JSONValue]
  /// What a watch may start from.
  public var resourceVersion: String
}

extension KubeClient {
  /// One object.
  /// - Throws: `KubeError.status` with `isNotFound` where there is none.
  public func get(_ resource: APIResource, name: String, namespace: String? = nil) async throws(KubeError) -> JSONValue {
    try await object(.get(resource, ObjectKey(namespace: namespace ?? "", name: name)))
  }

  /// All objects that the selection has, fetched in pages of `WatchPolicy.pageSize`.
  ///
  /// The list is of one moment: when the server forgets that moment between two pages, what came is dropped and the list is fetched once
  /// more, in one piece.
  public func list(_ resource: APIResource, _ selection: Selection = .all) async throws(KubeError) -> ObjectList {
    try await pages(resource, selection)
  }

  /// Creates an object in the namespace that its metadata names.
  /// - Parameter resource: needed where `APIResource.known` lacks the object's kind.
  /// - Returns: The object as it is now.
  @discardableResult
  public func create(_ object: JSONValue, in resource: APIResource? = nil) async throws(KubeError) -> JSONValue {
    let resource = try known(object, as: resource)
    return try await self.object(.create(resource, namespace: object["metadata"]?["namespace"]?.string ?? "", object))
  }

  /// Makes the object have these fields (server-side apply), whether or not it exists.
  /// - Parameters:
  ///   - fieldManager: who owns the fields from now on.
  ///   - force: takes fields from other managers instead of failing with `isConflict`.
  ///   - resource: needed where `APIResource.known` lacks the object's kind.
  /// - Returns: The object as it is now.
  @discardableResult
  public func apply(
    _ object: JSONValue, fieldManager: String, force: Bool = false, in resource: APIResource? = nil
  ) async throws(KubeError) -> JSONValue {
    let resource = try known(object, as: resource)
    return try await self.object(.apply(resource, try key(of: object), object, fieldManager: fieldManager, force: force))
  }

  /// Puts an object in place of what there is. With `metadata.resourceVersion` only of that version; otherwise it fails with `isConflict`.
  /// - Parameter resource: needed where `APIResource.known` lacks the object's kind.
  /// - Returns: The object as it is now.
  @discardableResult
  public func replace(_ object: JSONValue, in resource: APIResource? = nil) async throws(KubeError) -> JSONValue {
    let resource = try known(object, as: resource)
    return try await self.object(.replace(resource, try key(of: object), object))
  }

  /// Deletes an object, if the preconditions hold; fails with `isConflict` if not.
  public func delete(
    _ resource: APIResource, name: String, namespace: String? = nil, preconditions: DeletePreconditions = DeletePreconditions()
  ) async throws(KubeError) {
    _ = try await send(.delete(resource, ObjectKey(namespace: namespace ?? "", name: name), preconditions))
  }
}

extension KubeClient {
  func pages(_ resource: APIResource, _ selection: Selection) async throws(KubeError) -> ObjectList {
    var items: [JSONValue] = []
    var token: String?
    var limit: Int? = WatchPolicy.standard.pageSize
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
        throw .decode("the answer to a list of \(resource.plural) has no metadata.resourceVersion")
      }
      for item in page["items"]?.array ?? [] {
        items.append(item.named(resource))
      }
      guard let next = metadata["continue"]?.string, !next.isEmpty else {
        return ObjectList(items: items, resourceVersion: version)
      }
      token = next
    }
  }

  /// The resource that the caller named, or else that of the object by what it says of itself.
  func known(_ object: JSONValue, as named: APIResource?) throws(KubeError) -> APIResource {
    if let named { return named }
    let apiVersion = object["apiVersion"]?.string ?? ""
    let kind = object["kind"]?.string ?? ""
    guard let resource = APIResource.known(apiVersion: apiVersion, kind: kind) else {
      throw .request("no path is known for apiVersion '\(apiVersion)', kind '\(kind)'; name its APIResource")
    }
    return resource
  }

  func key(of object: JSONValue) throws(KubeError) -> ObjectKey {
    guard let name = object["metadata"]?["name"]?.string, !name.isEmpty else {
      throw .request("an object without metadata.name has no path")
    }
    return ObjectKey(namespace: object["metadata"]?["namespace"]?.string ?? "", name: name)
  }
}

extension JSONValue {
  /// With the `apiVersion` and `kind` that items of a list lack.
  fileprivate func named(_ resource: APIResource) -> JSONValue {
    var object = self
    if object["apiVersion"] == nil { object["apiVersion"] = .string(resource.apiVersion) }
    if object["kind"] == nil { object["kind"] = .string(resource.kind) }
    return object
  }
}
