/// A page of a list, its objects already records.
struct RecordPage<Value: Record>: Equatable, Sendable {
  var records: [Value] = []
  /// Of the list as a whole; what a watch may start from.
  var resourceVersion = ""
  /// What fetches the next page; `nil` on the last one.
  var continueToken: String?
}

/// What a watch reports.
enum WatchEvent<Value: Record>: Equatable, Sendable {
  /// ADDED or MODIFIED: there is this object now.
  case put(Value)
  /// DELETED; the version is that of the deletion.
  case remove(ObjectKey, resourceVersion: String)
  /// BOOKMARK: nothing else happened up to this version. One of them says that all that was there when the watch began has been sent.
  case bookmark(resourceVersion: String, endsInitialEvents: Bool = false)
  /// ERROR: the stream is over, and why.
  case error(APIStatus)
}

extension WatchEvent {
  /// The annotation of the bookmark at the end of the initial events: `InitialEventsAnnotationKey` in
  /// k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
  static var initialEventsEnd: String { "k8s.io/initial-events-end" }

  /// - Parameter type: as `metav1.WatchEvent` has it, but no bookmark.
  /// - Throws: `RecordError` for a type that does not exist, and for an object without a name.
  init(type: String, record: Value) throws(RecordError) {
    switch type {
    case "ADDED", "MODIFIED": self = .put(try record.named())
    case "DELETED": self = .remove(try record.named().key, resourceVersion: record.resourceVersion)
    default: throw RecordError("a watch event of type '\(type)'")
    }
  }
}

extension Record {
  /// Itself, if it has a name.
  func named() throws(RecordError) -> Self {
    guard hasName else { throw RecordError("an object without metadata.name") }
    return self
  }
}
