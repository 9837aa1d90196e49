package import JSON
internal import Primitives
internal import Roll

// An API server with our definition has checked all of this. A definition that was changed, or that is newer, may let other objects pass, and
// a dry run has seen no API server.

extension CoveragePolicy {
  package static let apiVersion = "rollcall.dev/v1alpha1"
  package static let kind = "CoveragePolicy"

  /// The limits of the definition.
  enum Limits {
    static let items = 256
    static let priority: ClosedRange<Int64> = -1_000_000...1_000_000
    static let longestTime: Duration = .seconds(7 * 86_400)
    static let reason = 1024
    static let labels = 32
    static let labelValue = 256
    static let kind = 63
  }

  /// Labels of alerts that say what an alert is about.
  static let ownLabels: Set = [
    "alertname", "severity", "namespace", "pod", "container", "node", "source", "workload", "workload_kind", "shard",
  ]

  /// - Throws: `PolicyProblem` with the first field that is wrong.
  package init(_ object: JSONValue) throws(PolicyProblem) {
    let name = object["metadata"]?["name"]?.string ?? ""
    guard Self.isName(name) else {
      throw PolicyProblem(
        "metadata.name", "is no name of an object: at most 253 lower case letters, digits, - and ., with a letter or digit at each end")
    }
    let spec = try PolicyFields(object["spec"], "spec", ["priority", "selector", "effects"])
    self.init(
      name: name, priority: Int(try spec.integer("priority", in: Limits.priority) ?? 0),
      selector: try PolicySelector(try spec.required("selector")), effects: try PolicyEffects(try spec.required("effects")))
  }

  /// Whether it is a DNS subdomain as of RFC 1123.
  private static func isName(_ text: String) -> Bool {
    func isLetterOrDigit(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    return text.utf8.count <= 253
      && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
        guard let first = label.first, let last = label.last, isLetterOrDigit(first), isLetterOrDigit(last) else { return false }
        return label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
      }
  }
}

extension PolicyFields {
  /// A mandatory object.
  fileprivate func required(_ name: String) throws(PolicyProblem) -> (JSONValue, String) {
    guard let value = self[name] else { throw PolicyProblem("\(path).\(name)", "is required") }
    return (value, "\(path).\(name)")
  }
}

extension PolicySelector {
  fileprivate init(_ field: (value: JSONValue, path: String)) throws(PolicyProblem) {
    let fields = try PolicyFields(field.value, field.path, ["namespaces", "pods", "workloads", "nodes", "runtimeClasses", "sources"])
    self.init()
    if let value = fields["namespaces"] {
      let namespaces = try PolicyFields(value, "\(field.path).namespaces", ["names", "labels"])
      try namespaces.checkNotEmpty()
      namespaceNames = try namespaces.patterns("names")
      namespaceLabels = try namespaces.labelSelector("labels")
    }
    podLabels = try fields.labelSelector("pods")
    nodeLabels = try fields.labelSelector("nodes")
    runtimeClasses = try fields.patterns("runtimeClasses")
    for (index, item) in try fields.items("workloads").enumerated() {
      let workload = try PolicyFields(item, "\(field.path).workloads[\(index)]", ["kind", "name"])
      let pattern = WorkloadPattern(kind: try workload.kindPattern("kind") ?? .any, name: try workload.pattern("name") ?? .any)
      if workloads.contains(pattern) { throw .twice("\(field.path).workloads[\(index)]") }
      workloads.append(pattern)
    }
    for (index, item) in try fields.items("sources").enumerated() {
      guard let source = item.string.flatMap(Source.init) else {
        throw PolicyProblem(
          "\(field.path).sources[\(index)]", "is not one of \(Source.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      if !sources.insert(source).inserted { throw .twice("\(field.path).sources[\(index)]") }
    }
  }
}

extension PolicyEffects {
  fileprivate init(_ field: (value: JSONValue, path: String)) throws(PolicyProblem) {
    let names = ["collection", "reason", "threshold", "grace", "scraping", "alerts"]
    let fields = try PolicyFields(field.value, field.path, names)
    try fields.checkNotEmpty()
    self.init()
    threshold = try fields.duration("threshold", allowsZero: false)
    grace = try fields.duration("grace", allowsZero: true)
    if let text = try fields.text("scraping") {
      guard let term = ScrapingTerm(rawValue: text) else {
        throw PolicyProblem("\(field.path).scraping", "is neither Required nor NotRequired")
      }
      scraping = term
    }
    if let value = fields["alerts"] { alerts = try AlertTerms(value, "\(field.path).alerts") }
    let reason = try fields.text("reason", longest: CoveragePolicy.Limits.reason)
    switch try fields.text("collection") {
    case nil: break
    case "Required": collection = .required
    case "Exempt":
      guard let reason, !reason.isEmpty else {
        throw PolicyProblem("\(field.path).reason", "is required with collection: Exempt: say in words why nothing is due")
      }
      if names.contains(where: { !["collection", "reason"].contains($0) && fields[$0] != nil }) {
        throw PolicyProblem(field.path, "has collection: Exempt and other effects, which an exempt container cannot have")
      }
      collection = .exempt(reason: reason)
    default: throw PolicyProblem("\(field.path).collection", "is neither Required nor Exempt")
    }
    if reason != nil, fields["collection"]?.string != "Exempt" {
      throw PolicyProblem("\(field.path).reason", "has no meaning without collection: Exempt")
    }
  }
}

extension AlertTerms {
  fileprivate init(_ value: JSONValue, _ path: String) throws(PolicyProblem) {
    let fields = try PolicyFields(value, path, ["severity", "labels"])
    try fields.checkNotEmpty()
    self.init(severity: try fields.text("severity", longest: CoveragePolicy.Limits.labelValue))
    guard let labels = fields["labels"] else { return }
    guard case .object(let members) = labels else { throw PolicyProblem("\(path).labels", "is no object") }
    guard (1...CoveragePolicy.Limits.labels).contains(members.count) else {
      throw PolicyProblem("\(path).labels", "has \(members.count) labels, not 1 to \(CoveragePolicy.Limits.labels)")
    }
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      guard Self.isLabelName(name) else { throw PolicyProblem("\(path).labels", "\"\(name)\" is no name of a Prometheus label") }
      if CoveragePolicy.ownLabels.contains(name) {
        throw PolicyProblem("\(path).labels", "\(name) says what an alert is about, and is not set by a policy")
      }
      guard let text = value.string, text.unicodeScalars.count <= CoveragePolicy.Limits.labelValue else {
        throw PolicyProblem("\(path).labels", "\(name) is no text of at most \(CoveragePolicy.Limits.labelValue) characters")
      }
      self.labels[name] = text
    }
  }

  private static func isLabelName(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), !name.hasPrefix("__") else { return false }
    return name.utf8.allSatisfy { byte in
      switch UnicodeScalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "_": true
      default: false
      }
    }
  }
}
