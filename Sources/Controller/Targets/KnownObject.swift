import JSON

/// What is remembered of an object on the server. Its JSON is kept only until it is known to be as it should be: with 5,000 endpoints the
/// EndpointSlices would be several megabytes.
struct KnownObject {
  var uid: String?
  var version: JSONValue?
  /// As it was read.
  var live: JSONValue?
  /// For an EndpointSlice, what is in it.
  var slice: LiveSlice?
  /// What it says, or was applied to say, at this version. A server that drops a field (a CRD older than it) shows the object other
  /// than we want it for ever; applied once, it is left alone until one of the two changes.
  var settled: DesiredObject?

  init(read object: JSONValue) {
    uid = object["metadata"]?["uid"]?.string
    version = object["metadata"]?["resourceVersion"]
    live = object
    if ObjectName(object).kind == ObjectName.sliceKind { slice = LiveSlice(object) }
  }

  init(applied desired: DesiredObject, result: JSONValue) {
    uid = result["metadata"]?["uid"]?.string
    version = result["metadata"]?["resourceVersion"]
    settle(on: desired)
  }

  mutating func settle(on desired: DesiredObject) {
    settled = desired
    live = nil
    if case .slice(let content) = desired { slice = LiveSlice(content) }
  }

  /// Whether this is what was known of the object that was now read again.
  func isOf(_ other: KnownObject) -> Bool { uid == other.uid && version == other.version }
}
