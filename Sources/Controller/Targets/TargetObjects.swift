import JSON
import KubeClient
import Roll

/// The objects of a source as they are.
struct LiveObjects {
  var services: [JSONValue]
  var slices: [JSONValue]
  /// `nil` with the reason if they cannot be read: the kind is not there, or we may not read it.
  var serviceMonitors: Result<[JSONValue], APIStatus>
}

/// Reads and writes the objects of our namespace that Prometheus finds its targets by.
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
      // Without Prometheus Operator there is no such kind, and without the permission there might as well be none: the rest goes on.
      guard let status = error.status, status.isNotFound || status.code == 403 else { throw error }
      return LiveObjects(services: services, slices: slices, serviceMonitors: .failure(status))
    }
  }

  func apply(_ object: JSONValue) async throws -> JSONValue {
    guard isLeading() else { throw ReconcileError.notLeading }
    return try await client.apply(object, fieldManager: ObjectNames.fieldManager)
  }

  /// One that is gone already, or was made anew, is no failure.
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
