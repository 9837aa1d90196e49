/// All records of a store as of one moment.
public struct StoreSnapshot<Value: Record>: Sendable, Sequence {
  var records: [ObjectKey: Value] = [:]

  /// The record of that object, if there is one.
  public subscript(key: ObjectKey) -> Value? { records[key] }
  /// How many records there are.
  public var count: Int { records.count }
  /// Whether there is no record at all.
  public var isEmpty: Bool { records.isEmpty }

  /// The records in no particular order.
  public func makeIterator() -> Dictionary<ObjectKey, Value>.Values.Iterator { records.values.makeIterator() }
  public var underestimatedCount: Int { records.count }
}
