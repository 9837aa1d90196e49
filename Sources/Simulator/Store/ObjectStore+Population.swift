// Objects of a population are as their pattern says: no defaults, no checks, no managed fields are worked out for them.
extension ObjectStore {
  mutating func put(_ object: GeneratedObject, kind: ResourceKind) {
    advance(to: Population.firstVersion)
    store(kind) { StoredObject(object, kind: kind, version: $0) }
  }

  mutating func remove(_ object: GeneratedObject, kind: ResourceKind) {
    remove(kind) { StoredObject(object, kind: kind, version: $0) }
  }

  /// Whether the object is there and nobody has written to it.
  func holds(_ object: GeneratedObject, kind: ResourceKind) -> Bool {
    let wanted = StoredObject(object, kind: kind, version: version)
    return self.object(kind, namespace: wanted.namespace, name: wanted.name)?.isGenerated ?? false
  }
}
