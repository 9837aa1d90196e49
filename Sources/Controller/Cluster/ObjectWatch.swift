import JSON
import KubeClient
import Logging
import Roll

/// Watches objects that we write, so that what others change or delete is restored within seconds (R84).
///
/// Without the permission to watch it logs so and reports nothing.
struct ObjectWatch: Sendable {
  let resource: APIResource
  private let namespace: String
  private let reflector: Reflector<ObjectVersion>

  /// - Parameters:
  ///   - labels: a label selector; `nil` for all objects.
  ///   - name: the only object to watch; `nil` for all objects. A role that is limited to a name requires it.
  init(_ resource: APIResource, namespace: String, labels: String? = nil, name: String? = nil, client: KubeClient, logger: Logger) {
    self.resource = resource
    self.namespace = namespace
    reflector = Reflector(
      client: client, resource: resource,
      selection: Selection(namespace: namespace, labels: labels, fields: name.map { "metadata.name=\($0)" }),
      decoder: RecordDecoder(kind: resource.kind, convert: ObjectVersion.init), logger: logger)
  }

  /// The objects as last received; kept while the watch is broken.
  var objects: StoreSnapshot<ObjectVersion> { reflector.store.snapshot() }

  /// The object with this name as last received.
  func object(_ name: String) -> ObjectVersion? { objects[ObjectKey(namespace: namespace, name: name)] }

  /// Runs until the task is cancelled.
  /// - Parameter didChange: called with the names of objects that changed or are gone; with `nil` if any object may have changed.
  func run(didChange: (Set<String>?) -> Void) async {
    await withTaskGroup { group in
      group.addTask { await reflector.run() }
      for await change in reflector.store.changes {
        switch change {
        case .all: didChange(nil)
        case .keys(let keys): didChange(Set(keys.map(\.name)))
        }
      }
    }
  }
}

extension ObjectWatch {
  /// Runs until the task is cancelled.
  /// - Parameter isMissing: called when the object with this name does not exist: it was deleted, perhaps before the first list,
  ///   or never created.
  func run(of name: String, isMissing: () -> Void) async {
    await run { _ in
      if object(name) == nil { isMissing() }
    }
  }
}

/// What is kept of a watched object.
struct ObjectVersion: Record {
  var key: ObjectKey
  var resourceVersion: String
  /// The source that the object belongs to; `nil` if it belongs to none.
  var source: Source?

  init(_ object: JSONValue) {
    let metadata = object["metadata"]
    key = ObjectKey(namespace: metadata?["namespace"]?.string ?? "", name: metadata?["name"]?.string ?? "")
    resourceVersion = metadata?["resourceVersion"]?.string ?? ""
    source = metadata?["labels"]?[ObjectNames.source]?.string.flatMap(Source.init)
  }
}
