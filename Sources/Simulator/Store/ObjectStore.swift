import FoundationEssentials
import JSON

/// The objects of the cluster: pure and synchronous, with the time as an argument. `Cluster` has the lock.
struct ObjectStore: Sendable {
  /// The resource version of the latest write of any kind.
  private(set) var version: UInt64 = 1
  private var collections: [ResourceKind.ID: ObjectCollection] = [:]
  /// The version of the last compaction; kinds without a collection start from it.
  private var compactedVersion: UInt64 = 0
  private let eventHistory: Int
  private(set) var rules: ServerRules

  /// - Parameter eventHistory: the number of changes kept of each kind.
  init(eventHistory: Int, rules: ServerRules = ServerRules(), namespaces: [String] = [], now: Date = Date(timeIntervalSince1970: 0)) {
    self.eventHistory = eventHistory
    self.rules = rules
    for name in namespaces { createNamespace(name, now: now) }
  }

  private mutating func createNamespace(_ name: String, now: Date) {
    let kind = ResourceTable.namespaces
    var object: JSONValue = [:]
    object.setMetadata("name", .string(name))
    kind.applyDefaults(&object, rules)
    settleMetadata(&object, over: nil, kind: kind, context: WriteContext(now: now))
    _ = store(object, kind: kind)
  }

  // MARK: Reading

  func object(_ kind: ResourceKind, namespace: String, name: String) -> StoredObject? {
    collections[kind.id]?.objects[kind.key(namespace: namespace, name: name)]
  }

  /// - Throws: `APIFailure` 404.
  func get(_ kind: ResourceKind, namespace: String, name: String) throws(APIFailure) -> StoredObject {
    guard let object = object(kind, namespace: namespace, name: name) else { throw .notFound(kind, name) }
    return object
  }

  func count(_ kind: ResourceKind) -> Int { collections[kind.id]?.objects.count ?? 0 }

  /// Access to the objects of a kind for lists and watches.
  mutating func withCollection<Result>(_ kind: ResourceKind, _ body: (inout ObjectCollection) -> Result) -> Result {
    body(&collections[kind.id, default: ObjectCollection(eventHistory: eventHistory, compactedVersion: compactedVersion)])
  }

  /// Drops all history: watches and continued lists from older versions get 410.
  mutating func compact() {
    for id in collections.keys { collections[id]?.compact(through: version) }
    compactedVersion = version
  }

  /// Drops these fields from objects of the kind that are written from now on.
  mutating func prune(_ paths: [[String]], of kind: ResourceKind) { rules.prunedFields[kind.id] = paths }

  /// Removes the definition of a custom resource, and its objects.
  mutating func removeDefinition(of kind: ResourceKind, context: WriteContext) throws(APIFailure) {
    for object in withCollection(kind, { $0.ordered(prefix: "", after: nil) }) {
      _ = try delete(kind, namespace: object.namespace, name: object.name, context: context)
    }
    rules.undefinedKinds.insert(kind.id)
  }

  mutating func restoreDefinition(of kind: ResourceKind) { rules.undefinedKinds.remove(kind.id) }

  func isDefined(_ kind: ResourceKind) -> Bool { !rules.undefinedKinds.contains(kind.id) }

  // MARK: Writing

  /// - Throws: `APIFailure` 400, 404 (no such namespace), 409 or 422.
  mutating func create(
    _ object: JSONValue, kind: ResourceKind, namespace: String, context: WriteContext
  ) throws(APIFailure) -> StoredObject {
    var object = try addressed(object, kind: kind, namespace: namespace)
    if !object.resourceVersion.isEmpty { throw .badRequest("resourceVersion should not be set on objects to be created") }
    if object.name.isEmpty, let prefix = object["metadata"]?["generateName"]?.string {
      object.setMetadata("name", .string(prefix + Self.randomSuffix()))
    }
    if self.object(kind, namespace: namespace, name: object.name) != nil { throw .alreadyExists(kind, object.name) }
    if context.part == .object, kind.hasStatus, !kind.acceptsStatusOnCreate { object["status"] = nil }
    return try commit(object, over: nil, kind: kind, context: context)
  }

  /// - Throws: `APIFailure` 404, 409 (a mismatch of resource version or UID) or 422.
  mutating func replace(
    _ object: JSONValue, kind: ResourceKind, namespace: String, name: String, context: WriteContext
  ) throws(APIFailure) -> StoredObject {
    let object = try addressed(object, kind: kind, namespace: namespace)
    guard object.name == name else {
      throw .badRequest("the name of the object (\(object.name)) does not match the name on the URL (\(name))")
    }
    return try modify(kind, namespace: namespace, name: name, context: context) { _ in object }
  }

  /// Creates or replaces the object including its status, and ignores its `resourceVersion`; creates a missing namespace.
  /// - Throws: `APIFailure` 400 or 422.
  mutating func put(_ object: JSONValue, kind: ResourceKind, context: WriteContext) throws(APIFailure) -> StoredObject {
    var object = object
    object.setMetadata("resourceVersion", nil)
    let namespace = kind.isNamespaced ? (object.namespace.isEmpty ? "default" : object.namespace) : ""
    if kind.isNamespaced, self.object(ResourceTable.namespaces, namespace: "", name: namespace) == nil {
      createNamespace(namespace, now: context.now)
    }
    if self.object(kind, namespace: namespace, name: object.name) == nil {
      return try create(object, kind: kind, namespace: namespace, context: context)
    }
    return try modify(kind, namespace: namespace, name: object.name, context: context) { live in
      // Keep the UID, so that a fixture can be put twice.
      object.setMetadata("uid", .string(live.uid))
      return object
    }
  }

  /// Replaces the object with the result of `change`.
  /// - Throws: `APIFailure` 404, 409, 422, or the error of `change`.
  mutating func modify(
    _ kind: ResourceKind, namespace: String, name: String, context: WriteContext,
    _ change: (JSONValue) throws(APIFailure) -> JSONValue
  ) throws(APIFailure) -> StoredObject {
    let live = try get(kind, namespace: namespace, name: name)
    let before = try live.decoded(as: kind)
    let after = try addressed(try change(before), kind: kind, namespace: namespace)
    try check(after, replaces: live, kind: kind)
    return try commit(Self.limited(after, to: context.part, of: before, kind: kind), over: (live, before), kind: kind, context: context)
  }

  /// Server-side apply: creates the object or merges the configuration into it.
  /// - Throws: `APIFailure` 400, 404, 409 (conflicts with other managers) or 422.
  mutating func apply(
    _ configuration: JSONValue, kind: ResourceKind, namespace: String, name: String, force: Bool, context: WriteContext
  ) throws(APIFailure) -> (object: StoredObject, isNew: Bool) {
    guard let manager = context.fieldManager(.apply, kind: kind) else { throw .badRequest("fieldManager is required for apply patch") }
    var configuration = try addressed(configuration.withoutNulls, kind: kind, namespace: namespace)
    if configuration.name.isEmpty { configuration.setMetadata("name", .string(name)) }
    guard configuration.name == name else {
      throw .badRequest("the name of the object (\(configuration.name)) does not match the name on the URL (\(name))")
    }
    if configuration["metadata"]?["managedFields"] != nil { throw .badRequest("metadata.managedFields must be nil") }
    let apply = ServerSideApply(manager: manager, force: force, schema: kind.schema, now: context.timestamp)
    guard let live = object(kind, namespace: namespace, name: name) else {
      if context.part == .status { throw .notFound(kind, name) }
      if !configuration.resourceVersion.isEmpty { throw .notFound(kind, name) }
      if kind.hasStatus, !kind.acceptsStatusOnCreate, context.part == .object { configuration["status"] = nil }
      let object = try apply.applying(configuration, to: nil)
      return (try commit(object, over: nil, kind: kind, context: context, ownershipIsSettled: true), true)
    }
    try check(configuration, replaces: live, kind: kind)
    configuration.setMetadata("resourceVersion", nil)
    let before = try live.decoded(as: kind)
    configuration = Self.configuration(configuration, for: context.part, kind: kind)
    let after = try apply.applying(configuration, to: before)
    return (try commit(after, over: (live, before), kind: kind, context: context, ownershipIsSettled: true), false)
  }

  /// Deletes the object, or marks it as being deleted while finalizers hold it.
  /// - Throws: `APIFailure` 404 or 409.
  mutating func delete(
    _ kind: ResourceKind, namespace: String, name: String, preconditions: DeletePreconditions = DeletePreconditions(),
    context: WriteContext
  ) throws(APIFailure) -> (object: StoredObject, isGone: Bool) {
    let live = try get(kind, namespace: namespace, name: name)
    if let uid = preconditions.uid, uid != live.uid {
      throw .conflict(kind, name, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(live.uid)")
    }
    if let wanted = preconditions.resourceVersion, wanted != String(live.version) {
      throw .conflict(
        kind, name, "Precondition failed: ResourceVersion in precondition: \(wanted), ResourceVersion in object meta: \(live.version)")
    }
    if context.isDryRun { return (live, true) }
    var object = try live.decoded(as: kind)
    if object.finalizers.isEmpty {
      if kind.id == ResourceTable.namespaces.id { try deleteContents(of: name, context: context) }
      return (remove(object, kind: kind), true)
    }
    if object["metadata"]?["deletionTimestamp"] != nil { return (live, false) }
    object.setMetadata("deletionTimestamp", .string(context.timestamp))
    object.setMetadata("deletionGracePeriodSeconds", 0)
    return (store(object, kind: kind), false)
  }

  // MARK: Steps of a write

  /// Defaults, validates and stores an object; an unchanged one keeps its version.
  private mutating func commit(
    _ object: JSONValue, over live: (stored: StoredObject, value: JSONValue)?, kind: ResourceKind, context: WriteContext,
    ownershipIsSettled: Bool = false
  ) throws(APIFailure) -> StoredObject {
    var object = object
    kind.applyDefaults(&object, rules)
    object = EmptyMembers.removed(from: object, kind: kind)
    settleMetadata(&object, over: live?.value, kind: kind, context: context)
    var rules = rules
    rules.requestedGroup = context.group
    let problems =
      MetadataRules.problems(in: object, kind: kind) + kind.validate(object, live?.value, rules)
    if !problems.isEmpty { throw .invalid(kind, object.name, problems) }
    if kind.isNamespaced, live == nil { try checkNamespace(object.namespace) }
    if !ownershipIsSettled, let manager = context.fieldManager(.update, kind: kind) {
      Self.noteUpdate(of: &object, over: live?.value, by: manager, kind: kind, now: context.timestamp)
    }
    if let live, Self.isSame(object, live.value) { return live.stored }
    if context.isDryRun { return StoredObject(object, kind: kind, version: live?.stored.version ?? 0) }
    // The last finalizer is gone. (A terminating pod without finalizers stays until a client deletes it.)
    if let live, object["metadata"]?["deletionTimestamp"] != nil, object.finalizers.isEmpty, !live.value.finalizers.isEmpty {
      return remove(object, kind: kind)
    }
    return store(object, kind: kind)
  }

  private mutating func store(_ object: JSONValue, kind: ResourceKind) -> StoredObject {
    store(kind) { StoredObject(object, kind: kind, version: $0) }
  }

  private mutating func remove(_ object: JSONValue, kind: ResourceKind) -> StoredObject {
    remove(kind) { StoredObject(object, kind: kind, version: $0) }
  }

  /// Stores the object that `make` returns for the next version.
  @discardableResult
  mutating func store(_ kind: ResourceKind, _ make: (UInt64) -> StoredObject) -> StoredObject {
    version += 1
    let stored = make(version)
    withCollection(kind) { $0.store(stored) }
    return stored
  }

  /// Removes the object whose last state `make` returns for the next version.
  @discardableResult
  mutating func remove(_ kind: ResourceKind, _ make: (UInt64) -> StoredObject) -> StoredObject {
    version += 1
    let last = make(version)
    withCollection(kind) { $0.remove(last) }
    return last
  }

  /// Skips the versions up to this one.
  mutating func advance(to version: UInt64) {
    self.version = max(self.version, version)
  }

  private mutating func deleteContents(of namespace: String, context: WriteContext) throws(APIFailure) {
    for kind in ResourceTable.all where kind.isNamespaced && kind.view == nil {
      for object in withCollection(kind, { $0.ordered(prefix: namespace + "/", after: nil) }) {
        _ = try delete(kind, namespace: namespace, name: object.name, context: context)
      }
    }
  }

  private func checkNamespace(_ namespace: String) throws(APIFailure) {
    guard object(ResourceTable.namespaces, namespace: "", name: namespace) != nil else {
      throw .notFound(ResourceTable.namespaces, namespace)
    }
  }

  /// - Throws: `APIFailure` 409 if the object names another resource version or UID than the live one has.
  private func check(_ object: JSONValue, replaces live: StoredObject, kind: ResourceKind) throws(APIFailure) {
    if !object.uid.isEmpty, object.uid != live.uid {
      throw .conflict(
        kind, live.name, "Precondition failed: UID in precondition: \(object.uid), UID in object meta: \(live.uid)")
    }
    if !object.resourceVersion.isEmpty, object.resourceVersion != String(live.version) {
      throw .conflict(
        kind, live.name, "the object has been modified; please apply your changes to the latest version and try again")
    }
  }
}
