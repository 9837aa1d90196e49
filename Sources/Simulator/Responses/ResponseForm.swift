/// One media type of an Accept or Content-Type header.
struct MediaType: Sendable, Equatable {
  var name: String
  var parameters: [String: String] = [:]

  init(_ text: some StringProtocol) {
    let parts = text.split(separator: ";").map { String($0).trimmed }
    name = parts.first?.lowercased() ?? ""
    for parameter in parts.dropFirst() {
      guard let (key, value) = parameter.split(at: "=") else { continue }
      parameters[key.lowercased()] = value
    }
  }

  var quality: Double { parameters["q"].flatMap(Double.init) ?? 1 }

  var isApply: Bool { name == "application/apply-patch+yaml" || name == "application/apply-patch+json" }

  static let json = "application/json"
  static let protobuf = "application/vnd.kubernetes.protobuf"
}

/// The encoding and the shape of a response.
struct ResponseForm: Sendable, Equatable {
  enum Encoding: Sendable { case json, protobuf }

  enum Shape: Sendable {
    case objects
    /// `as=Table`, for `kubectl get`.
    case table
    /// `as=PartialObjectMetadata` and `as=PartialObjectMetadataList`.
    case metadata
  }

  var encoding = Encoding.json
  var shape = Shape.objects

  var contentType: String { encoding == .json ? MediaType.json : MediaType.protobuf }

  /// The best form that the client accepts, by q-value, then by order.
  /// - Throws: `APIFailure` 406 if the kind supports none of them.
  static func negotiated(_ accept: String, kind: ResourceKind?) throws(APIFailure) -> ResponseForm {
    if accept.trimmed.isEmpty { return ResponseForm() }
    let wanted = accept.split(separator: ",").map { MediaType($0) }.filter { $0.quality > 0 }
    let ordered = wanted.enumerated().sorted { ($1.element.quality, $0.offset) < ($0.element.quality, $1.offset) }
    for type in ordered.map(\.element) {
      if let form = form(of: type, kind: kind) { return form }
    }
    throw APIFailure(
      code: 406, reason: "NotAcceptable",
      message: "only the following media types are accepted: \(MediaType.json)\(kind?.message == nil ? "" : ", \(MediaType.protobuf)")")
  }

  private static func form(of type: MediaType, kind: ResourceKind?) -> ResponseForm? {
    let encoding: Encoding
    switch type.name {
    case MediaType.json, "application/*", "*/*": encoding = .json
    case MediaType.protobuf where kind?.message != nil: encoding = .protobuf
    default: return nil
    }
    switch type.parameters["as"] {
    case nil: return ResponseForm(encoding: encoding)
    case "Table"? where encoding == .json && type.parameters["v"] == "v1": return ResponseForm(encoding: encoding, shape: .table)
    case "PartialObjectMetadata"?, "PartialObjectMetadataList"?:
      return encoding == .json ? ResponseForm(encoding: encoding, shape: .metadata) : nil
    default: return nil
    }
  }
}
