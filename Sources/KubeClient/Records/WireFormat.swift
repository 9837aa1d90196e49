/// The formats in which the API server answers.
enum WireFormat: Hashable, Sendable {
  case json, protobuf

  /// - Parameter contentType: the header's value; parameters such as `;stream=watch` say nothing that matters here.
  init(contentType: String) throws(RecordError) {
    let type = contentType.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
    switch type {
    case MediaType.json: self = .json
    case MediaType.protobuf: self = .protobuf
    default: throw RecordError("an answer of the type '\(contentType)'")
    }
  }
}
