internal import Primitives
internal import Roll

// Policies in words, for the log and for people.

extension PolicyEffects {
  /// Such as `threshold 10m, severity critical`.
  var text: String {
    var parts: [String] = []
    switch collection {
    case nil: break
    case .required: parts.append("collection Required")
    case .exempt(let reason): parts.append("collection Exempt (\(reason))")
    }
    if let threshold { parts.append("threshold \(threshold.text)") }
    if let grace { parts.append("grace \(grace.text)") }
    if let scraping { parts.append("scraping \(scraping.rawValue)") }
    if let severity = alerts.severity { parts.append("severity \(severity)") }
    for (name, value) in alerts.labels.sorted(by: { $0.key < $1.key }) { parts.append("label \(name)=\(value)") }
    return parts.joined(separator: ", ")
  }
}

extension PolicySelector {
  /// Such as `namespaces team-*, pods app=web`.
  var text: String {
    var parts: [String] = []
    func add(_ name: String, _ patterns: [NamePattern]) {
      if !patterns.isEmpty { parts.append("\(name) \(patterns.map(\.description).joined(separator: " or "))") }
    }
    add("namespaces", namespaceNames)
    if let namespaceLabels { parts.append("namespaces with \(namespaceLabels)") }
    if let podLabels { parts.append("pods with \(podLabels)") }
    if !workloads.isEmpty { parts.append("workloads \(workloads.map { "\($0.kind)/\($0.name)" }.joined(separator: " or "))") }
    if let nodeLabels { parts.append("nodes with \(nodeLabels)") }
    add("runtime classes", runtimeClasses)
    if !sources.isEmpty { parts.append("sources \(sources.map(\.rawValue).sorted().joined(separator: " or "))") }
    return parts.isEmpty ? "everything" : parts.joined(separator: ", ")
  }
}
