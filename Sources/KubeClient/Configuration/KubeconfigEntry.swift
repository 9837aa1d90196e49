internal import YAML

/// A cluster, a user or a context of a kubeconfig, read field by field: what is wrong with an entry matters only to who uses it.
struct KubeconfigEntry {
  /// `cluster`, `user` or `context`.
  var kind: String
  var name: String
  /// Relative paths start from its directory.
  var file: String
  var line: Int
  var fields: YAMLMapping

  var place: ConfigurationPlace { ConfigurationPlace(file: file, line: line, entry: "\(kind) \"\(name)\"") }

  func has(_ key: String) -> Bool { fields.optional(key) != nil }

  /// `nil` also where the text is empty.
  func text(_ key: String) throws(ConfigurationError) -> String? {
    try read(key) { node throws(YAMLError) in try node.text() }?.nonEmpty
  }

  /// False where there is no such field.
  func flag(_ key: String) throws(ConfigurationError) -> Bool {
    try read(key) { node throws(YAMLError) in try node.bool() } ?? false
  }

  /// No texts where there is no such field.
  func texts(_ key: String) throws(ConfigurationError) -> [String] {
    try read(key) { node throws(YAMLError) in try Self.texts(node) } ?? []
  }

  /// Lists of texts by name.
  func textLists(_ key: String) throws(ConfigurationError) -> [String: [String]] {
    try read(key) { node throws(YAMLError) in
      var lists: [String: [String]] = [:]
      for entry in try node.mapping().entries { lists[entry.key] = try Self.texts(entry.value) }
      return lists
    } ?? [:]
  }

  /// A path, from the directory of the file that it stands in.
  func path(_ key: String) throws(ConfigurationError) -> String? {
    guard let path = try text(key) else { return nil }
    guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
    return file[...slash] + path
  }

  /// Certificates or a key: the field `<key>-data`, or else the file that the field `key` names, which has to be there.
  func pem(_ key: String) throws(ConfigurationError) -> PEM? {
    let dataKey = "\(key)-data"
    if let text = try text(dataKey) {
      guard let decoded = bytes(base64: text) else {
        throw invalid(dataKey, "is not base64", "write the PEM file's content in base64, or name the file as \(key)")
      }
      try requirePEM(decoded, dataKey, "does not hold PEM")
      return .data(Secret(decoded))
    }
    guard let path = try path(key) else { return nil }
    try requirePEM(try readFile(path, usedBy: "\(key) of \(place)"), key, "names a file that does not hold PEM, \(path)")
    return .file(path)
  }

  /// - Parameter key: the field to blame; its line goes into the error.
  func invalid(_ key: String, _ reason: String, _ remedy: String) -> ConfigurationError {
    var place = place
    place.line = fields.entries.first { $0.key == key }?.keyMark.line ?? line
    return .invalid(place, reason: "\(key) \(reason)", remedy: remedy)
  }

  private func requirePEM(_ content: [UInt8], _ key: String, _ reason: String) throws(ConfigurationError) {
    guard String(decoding: content, as: UTF8.self).contains("-----BEGIN ") else {
      throw invalid(key, reason, "the content has to begin with a line -----BEGIN …-----")
    }
  }

  /// `nil` where there is no such field.
  func read<Value>(_ key: String, _ body: (YAMLNode) throws(YAMLError) -> Value) throws(ConfigurationError) -> Value? {
    guard let node = fields.optional(key) else { return nil }
    do {
      return try body(node)
    } catch {
      throw invalid(key, "cannot be read: \(error.what)", error.remedy)
    }
  }

  private static func texts(_ node: YAMLNode) throws(YAMLError) -> [String] {
    var texts: [String] = []
    for element in try node.elements() { texts.append(try element.text()) }
    return texts
  }
}
