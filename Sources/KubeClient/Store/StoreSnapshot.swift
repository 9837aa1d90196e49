/// All records of a store as of one moment.
public struct StoreSnapshot<Value: Record>: Sendable, Sequence {
  var records: [ObjectKey: Value] = [:]

  public subscript(key: ObjectKey) -> Value? { records[key] }
  public var count: Int { records.count }
  public var isEmpty: Bool { records.isEmpty }

  /// The records in no particular order.
  public func makeIterator() -> Dictionary<ObjectKey, Value>.Values.Iterator { records.values.makeIterator() }
  public var underestimatedCount: Int { records.count }
}
