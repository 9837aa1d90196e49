internal import Crypto

/// Evaluates relabel rules as Prometheus does. Source: `relabel` in model/relabel/relabel.go.
///
/// For servers without `/api/v1/targets/relabel_steps`, which evaluates the rules itself. VictoriaMetrics differs in `hashmod` and in its
/// extensions; its rules are not to be evaluated here.
package struct Relabeler: Sendable {
  private let rules: [(rule: RelabelRule, regex: RelabelRegex)]
  private let dialect: RelabelDialect

  /// Compiles the rules.
  package init(_ rules: [RelabelRule], dialect: RelabelDialect = .current) throws(RelabelError) {
    var compiled: [(rule: RelabelRule, regex: RelabelRegex)] = []
    for (index, rule) in rules.enumerated() {
      if rule.action == .hashmod, rule.modulus == 0 { throw RelabelError(rule: index, .noModulus) }
      do {
        compiled.append((rule, try RelabelRegex(rule.regex, dialect: dialect)))
      } catch {
        throw RelabelError(rule: index, .invalidRegex(rule.regex, message: error.message))
      }
    }
    self.rules = compiled
    self.dialect = dialect
  }

  /// Applies all rules in order, until one drops the target.
  package func relabel(_ labels: [String: String]) -> RelabelResult {
    // A label with an empty value does not exist.
    var labels = labels.filter { !$0.value.isEmpty }
    for (index, (rule, regex)) in rules.enumerated() where !apply(rule, regex, to: &labels) {
      return .dropped(rule: index)
    }
    return .kept(labels)
  }

  /// - Returns: false if the rule drops the target.
  private func apply(_ rule: RelabelRule, _ regex: RelabelRegex, to labels: inout [String: String]) -> Bool {
    let value = rule.sourceLabels.map { labels[$0] ?? "" }.joined(separator: rule.separator)
    switch rule.action {
    case .keep: return regex.matches(value)
    case .drop: return !regex.matches(value)
    case .keepequal: return isSame(labels[rule.targetLabel] ?? "", value)
    case .dropequal: return !isSame(labels[rule.targetLabel] ?? "", value)
    case .replace: replace(value, by: rule, regex, in: &labels)
    case .lowercase: set(rule.targetLabel, value.simplyLowercased, in: &labels)
    case .uppercase: set(rule.targetLabel, value.simplyUppercased, in: &labels)
    case .hashmod: set(rule.targetLabel, String(hash(value) % rule.modulus), in: &labels)
    case .labelmap:
      // Sorted, since the last of several sources of one name wins. New labels are not sources of the same rule.
      for (name, value) in labels.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        guard let match = regex.match(name) else { continue }
        set(regex.expand(rule.replacement, match, in: name), value, in: &labels)
      }
    case .labeldrop: labels = labels.filter { !regex.matches($0.key) }
    case .labelkeep: labels = labels.filter { regex.matches($0.key) }
    }
    return true
  }

  private func replace(_ value: String, by rule: RelabelRule, _ regex: RelabelRegex, in labels: inout [String: String]) {
    guard let match = regex.match(value) else { return }
    let target = regex.expand(rule.targetLabel, match, in: value)
    let result = regex.expand(rule.replacement, match, in: value)
    if isValidName(target), !result.isEmpty {
      labels[target] = result
    } else if !dialect.deletesExpandedTarget {
      labels[rule.targetLabel] = nil
    } else if isValidName(target) {
      labels[target] = nil
    }
  }

  private func set(_ name: String, _ value: String, in labels: inout [String: String]) {
    labels[name] = value.isEmpty ? nil : value
  }

  private func isValidName(_ name: String) -> Bool {
    guard !dialect.allowsUTF8Names else { return !name.isEmpty }
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
    }
  }

  /// The last eight bytes of the MD5 hash.
  private func hash(_ value: String) -> UInt64 {
    Insecure.MD5.hash(data: Array(value.utf8)).suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// What came out of the rules.
package enum RelabelResult: Hashable, Sendable {
  /// With all labels, those that begin with `__` included.
  case kept([String: String])
  /// By the rule with that index.
  case dropped(rule: Int)
}

/// Why rules cannot be evaluated. Prometheus refuses them as well.
package struct RelabelError: Error, Hashable, Sendable {
  package enum Cause: Hashable, Sendable {
    /// With RE2's message.
    case invalidRegex(String, message: String)
    /// `hashmod` without a modulus.
    case noModulus
  }

  /// The index of the rule.
  package var rule: Int
  package var cause: Cause

  init(rule: Int, _ cause: Cause) {
    self.rule = rule
    self.cause = cause
  }
}

extension RelabelError: CustomStringConvertible {
  package var description: String {
    switch cause {
    case .invalidRegex(let regex, let message): "relabel rule \(rule): invalid regex \"\(regex)\": \(message)"
    case .noModulus: "relabel rule \(rule): hashmod needs a modulus that is not 0"
    }
  }
}

/// Swift's `==` regards different code points of the same character as equal.
private func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
