internal import Primitives

/// What is kept of a Pod before it is packed, by where its texts are in a buffer. An empty range is an empty text.
struct PodDraft {
  var namespace = 0..<0
  var name = 0..<0
  var uid = 0..<0
  var resourceVersion = 0..<0
  var nodeName = 0..<0
  var phase = 0..<0
  var hostNetwork = false
  var isBeingDeleted = false
  /// `status.podIP`, which counts where `podIPs` is empty.
  var podIP = 0..<0
  var podIPs: [Range<Int>] = []
  var annotations: [DraftPair] = []
  var containers: [ContainerDraft] = []
}

extension RawSpan {
  /// The text there; what is no UTF-8, which the API server does not send, becomes replacement characters.
  func text(_ range: Range<Int>) -> String {
    extracting(range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  func uid(_ range: Range<Int>) -> UID {
    extracting(range).withUnsafeBytes { UID(bytes: $0) }
  }

  /// A name that is shared with all who have the same.
  func name(_ range: Range<Int>, from table: NameTable?) -> Name {
    withText(range) { table?.name($0) ?? Name(bytes: $0) }
  }

  /// Runs the function on the bytes of what `text` gives: of names that are looked up by what they are shown as.
  func withText<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    extracting(range).withUnsafeBytes { bytes in
      // Names are ASCII, but for those of a server that we do not know.
      if bytes.allSatisfy({ $0 < 0x80 }) { return body(bytes) }
      var text = String(decoding: bytes, as: UTF8.self)
      return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
  }
}
