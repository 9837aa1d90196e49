internal import JSON
internal import Primitives

/// A request to the API server, without the server's address and credentials.
package struct APIRequest: Hashable, Sendable {
  /// In upper case.
  package var method: String
  /// Absolute and escaped, e.g. `/api/v1/namespaces/default/pods/web-0`.
  package var path: String
  /// In the order of the URL; not escaped.
  package var query: [QueryItem]
  package var body: [UInt8]?
  /// The content type of `body`.
  package var contentType: String?
  /// The accepted content types, the preferred one first.
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

  /// Path and query, to append to the server's address.
  package var target: String {
    guard !query.isEmpty else { return path }
    let pairs = query.map { "\(escapedForURL($0.name))=\(escapedForURL($0.value))" }
    return "\(path)?\(pairs.joined(separator: "&"))"
  }
}

/// A query parameter.
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

/// The content types of the Kubernetes API.
package enum MediaType {
  package static let json = "application/json"
  /// For built-in resources only.
  package static let protobuf = "application/vnd.kubernetes.protobuf"
  /// Prefers protobuf, and accepts JSON for resources without it, such as custom resources.
  package static let either = "\(protobuf), \(json)"
  /// JSON without `metadata.managedFields`, which no record keeps and which are often a third of an object (KEP-5958). A server that does
  /// not know the parameter ignores it.
  package static let leanJSON = json + withoutManagedFields
  /// `either`, without `metadata.managedFields`.
  package static let leanEither = "\(protobuf)\(withoutManagedFields), \(leanJSON)"
  private static let withoutManagedFields = ";drop=metadata.managedFields"
  /// RFC 7386.
  package static let mergePatch = "application/merge-patch+json"
  /// Server-side apply. The body may be JSON, since JSON is valid YAML.
  package static let apply = "application/apply-patch+yaml"
}

/// Limits of a single exchange with the API server.
package struct RequestLimits: Hashable, Sendable {
  /// From the start of name resolution to the last byte.
  package var deadline: Duration
  /// Counted after decompression.
  package var maximumBodyBytes: Int

  /// The size of one read from the connection.
  package var receiveBufferBytes: Int

  /// Whether small pieces may wait a few milliseconds to be read together.
  package var readsInBatches: Bool

  package init(deadline: Duration, maximumBodyBytes: Int, receiveBufferBytes: Int = 16 << 10, readsInBatches: Bool = false) {
    self.deadline = deadline
    self.maximumBodyBytes = maximumBodyBytes
    self.receiveBufferBytes = receiveBufferBytes
    self.readsInBatches = readsInBatches
  }

  /// For lists and watches. With 128 KB a system call reads twenty Pods, and there are only a few such streams.
  static let longBodyBuffer = 128 << 10
  /// What a busy watch buffers before its reader wakes: 32 MB/s for 16 ms, plus a quarter.
  static let streamBuffer = 640 << 10

  /// For one object. The API server's own timeout is 60 s (`--request-timeout`), and etcd stores at most 1.5 MiB per object. Half the
  /// timeout leaves time for a second attempt; 16 MiB is also the limit of a watch event.
  package static let object = RequestLimits(deadline: .seconds(30), maximumBodyBytes: 16 << 20)
  /// For one page: `APIRequest.pageSize` objects of 0.5 MB each.
  package static let page = RequestLimits(deadline: .seconds(60), maximumBodyBytes: 256 << 20, receiveBufferBytes: longBodyBuffer)
  /// For a list without pages: twice the size of 150,000 Pods of 6.4 KB. The API server needs about 10 s to send a gigabyte.
  package static let wholeList = RequestLimits(deadline: .seconds(180), maximumBodyBytes: 2 << 30, receiveBufferBytes: longBodyBuffer)
}
