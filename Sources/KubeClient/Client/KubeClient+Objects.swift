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
