internal import JSON

/// One request to the API server as a value: what is asked, not where the server is nor who asks.
package struct APIRequest: Hashable, Sendable {
  /// In upper case.
  package var method: String
  /// From the root, already escaped: `/api/v1/namespaces/default/pods/web-0`.
  package var path: String
  /// Parameters in the order in which they are sent, not yet escaped.
  package var query: [QueryItem]
  /// `nil` for a request without one.
  package var body: [UInt8]?
  /// Of the body.
  package var contentType: String?
  /// The formats that the answer may have, the preferred one first.
  package var accept: String

  package init(
    method: String, path: String, query: [QueryItem] = [], body: [UInt8]? = nil, contentType: String? = nil,
    accept: String = MediaType.json
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.body = body
    self.contentType = contentType
    self.accept = accept
  }

  /// Path and query as they follow the server's address.
  package var target: String {
    guard !query.isEmpty else { return path }
    let pairs = query.map { "\(escapedForURL($0.name))=\(escapedForURL($0.value))" }
    return "\(path)?\(pairs.joined(separator: "&"))"
  }
}

/// A parameter of a request.
package struct QueryItem: Hashable, Sendable {
  /// Not escaped.
  package var name: String
  /// Not escaped.
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// What the API server calls the formats that we speak.
package enum MediaType {
  /// For everything.
  package static let json = "application/json"
  /// For the resources that are built into the API server.
  package static let protobuf = "application/vnd.kubernetes.protobuf"
  /// Protobuf where the server has it (not for custom resources), JSON otherwise.
  package static let either = "\(protobuf), \(json)"
  /// RFC 7386.
  package static let mergePatch = "application/merge-patch+json"
  /// Server-side apply. JSON is YAML, so a JSON body may go under this name.
  package static let apply = "application/apply-patch+yaml"
}

/// `text` with everything but the unreserved characters of RFC 3986 as `%XX`, fit for one segment of a path or one part of a query.
func escapedForURL(_ text: String) -> String {
  var result = ""
  result.reserveCapacity(text.utf8.count)
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      result.unicodeScalars.append(Unicode.Scalar(byte))
    default:
      let digits = Array("0123456789ABCDEF".unicodeScalars)
      result.unicodeScalars.append("%")
      result.unicodeScalars.append(digits[Int(byte >> 4)])
      result.unicodeScalars.append(digits[Int(byte & 15)])
    }
  }
  return result
}

/// What a single exchange with the API server may take.
package struct RequestLimits: Hashable, Sendable {
  /// For the whole exchange, from the name's resolution to the last byte.
  package var deadline: Duration
  /// Bytes of the body, decompressed.
  package var maximumBodyBytes: Int

  /// Bytes that are read from the connection at once.
  package var receiveBufferBytes: Int

  /// Whether what comes piece by piece may wait for a few milliseconds to be read together.
  package var readsInBatches: Bool

  package init(deadline: Duration, maximumBodyBytes: Int, receiveBufferBytes: Int = 16 << 10, readsInBatches: Bool = false) {
    self.deadline = deadline
    self.maximumBodyBytes = maximumBodyBytes
    self.receiveBufferBytes = receiveBufferBytes
    self.readsInBatches = readsInBatches
  }

  /// For lists and watches: with 128 KB a system call brings twenty Pods, and there are a few such streams at most.
  static let longBodyBuffer = 128 << 10
  /// What a busy watch gathers before its reader is woken: 32 MB/s for 16 ms, and a quarter more.
  static let streamBuffer = 640 << 10

  /// For one object. The API server gives a request 60 s of its own (`--request-timeout`) and etcd takes no object over 1.5 MiB; half that
  /// time leaves room for a second attempt, and 16 MiB is what we take as an event's size, too.
  package static let object = RequestLimits(deadline: .seconds(30), maximumBodyBytes: 16 << 20)
  /// For one page: `WatchPolicy.pageSize` objects of half a megabyte each.
  package static let page = RequestLimits(deadline: .seconds(60), maximumBodyBytes: 256 << 20, receiveBufferBytes: longBodyBuffer)
  /// For a list in one piece, 150,000 Pods of 6.4 KB each and as much again. The API server needs about 10 s to send a gigabyte.
  package static let wholeList = RequestLimits(deadline: .seconds(180), maximumBodyBytes: 2 << 30, receiveBufferBytes: longBodyBuffer)
}
