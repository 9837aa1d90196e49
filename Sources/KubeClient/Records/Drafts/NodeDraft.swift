/// What is kept of a Node before it is packed, by where its texts are in a buffer. An empty range is an empty text.
struct NodeDraft {
  var name = 0..<0
  var uid = 0..<0
  var resourceVersion = 0..<0
  var labels: [DraftPair] = []
  var annotations: [DraftPair] = []
  var operatingSystem = 0..<0
  /// Type and address, in order.
  var addresses: [DraftPair] = []
  var ready: Bool?
  /// 0 for none: protobuf writes the number even where nobody set it.
  var kubeletPort: UInt16 = 0
}
