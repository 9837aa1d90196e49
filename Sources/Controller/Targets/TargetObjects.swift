import JSON
import KubeClient
import Roll

/// The live objects of a source.
struct LiveObjects {
  var services: [JSONValue]
  var slices: [JSONValue]
  /// A failure if they cannot be listed, because the kind does not exist or access is denied.
  var serviceMonitors: Result<[JSONValue], APIStatus>
}

/// Reads and writes the objects through which Prometheus discovers targets, in the controller's namespace.
struct TargetObjects: Sendable {
  let client: KubeClient
  let namespace: String
  let isLeading: @Sendable () -> Bool

  func read(_ source: Source) async throws(KubeError) -> LiveObjects {
    let selection = Selection(namespace: namespace, labels: ObjectNames.selector(source))
    let services = try await client.list(.services, selection).items
    let slices = try await client.list(.endpointSlices, selection).items
    do {
      let monitors = try await client.list(.serviceMonitors, selection).items
      return LiveObjects(services: services, slices: slices, serviceMonitors: .success(monitors))
    } catch {
      // Without Prometheus Operator the kind does not exist. This, or a missing permission, must not affect the other objects.
      guard let status = error.status, status.isNotFound || status.code == 403 else { throw error }
      return LiveObjects(services: services, slices: slices, serviceMonitors: .failure(status))
    }
  }

  /// - Parameter force: whether to take fields over from other managers.
  func apply(_ object: JSONValue, force: Bool) async throws -> JSONValue {
    guard isLeading() else { throw ReconcileError.notLeading }
    return try await client.apply(object, fieldManager: ObjectNames.fieldManager, force: force)
  }

  /// Succeeds if the object is already deleted or was recreated since it was read.
  func delete(_ object: ObjectIdentity) async throws {
    guard isLeading() else { throw ReconcileError.notLeading }
    guard let resource = [APIResource.services, .endpointSlices, .serviceMonitors].first(where: { $0.kind == object.name.kind }) else {
      return
    }
    do {
      try await client.delete(
        resource, name: object.name.name, namespace: namespace, preconditions: DeletePreconditions(uid: object.uid))
    } catch {
      guard let status = error.status, status.isNotFound || status.isConflict else { throw error }
    }
  }
}
