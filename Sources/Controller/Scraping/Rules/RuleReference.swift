internal import JSON

/// One rule of a PrometheusRule object.
struct RuleReference: Hashable, Sendable {
  enum Kind: String, Hashable, Sendable {
    case alert, record
  }

  var namespace: String
  /// Of the PrometheusRule object.
  var object: String
  var group: String
  var kind: Kind
  /// Of the alert, or of the metric that is recorded.
  var name: String
  var expression: String

  /// The rules of a PrometheusRule object. Those without an expression, which the operator refuses, are left out.
  static func rules(of object: JSONValue) -> [RuleReference] {
    let (namespace, name) = (object["metadata"]?["namespace"]?.string ?? "", object["metadata"]?["name"]?.string ?? "")
    return (object["spec"]?["groups"]?.array ?? []).flatMap { group -> [RuleReference] in
      (group["rules"]?.array ?? []).compactMap { rule in
        // An expression such as 1 is a number in YAML.
        guard let expression = rule["expr"]?.string else { return nil }
        let alert = rule["alert"]?.string
        return RuleReference(
          namespace: namespace, object: name, group: group["name"]?.string ?? "", kind: alert == nil ? .record : .alert,
          name: alert ?? rule["record"]?.string ?? "", expression: expression)
      }
    }
  }
}

/// A rule that reads metrics which no scraper has.
struct RuleWithoutData: Hashable, Sendable {
  var rule: RuleReference
  /// Sorted.
  var metrics: [String]
}
