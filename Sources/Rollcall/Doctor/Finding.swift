/// What a check found.
struct Finding: Hashable, Sendable {
  enum State: String, Sendable {
    case ok
    case mistake
    /// What the check needs is not known.
    case unknown
    /// There is nothing to check.
    case notApplicable = "not applicable"
  }

  var state: State
  var text: String
  /// What to do about a mistake.
  var fix: String?

  static func ok(_ text: String) -> Finding { Finding(state: .ok, text: text) }
  static func mistake(_ text: String, fix: String) -> Finding { Finding(state: .mistake, text: text, fix: fix) }
  static func unknown(_ text: String) -> Finding { Finding(state: .unknown, text: text) }
  static func notApplicable(_ text: String) -> Finding { Finding(state: .notApplicable, text: text) }
}

/// One thing that `rollcall doctor` looks at. Pure.
struct DoctorCheck: Sendable {
  let name: String
  /// The findings; those of everything that it looks at that is as it should be are one.
  let findings: @Sendable (InstallationFacts) -> [Finding]

  static let all: [DoctorCheck] = [
    .controller, .twoRollcalls, .rights, .certificates, .agents, .clocks, .releaseLabel, .discoveryRole, .prometheusRole, .networkPolicies,
    .exporterCollectors, .scrapeLimits, .alertmanagers,
  ]
}

/// Names in a text, at most five of them.
func listed(_ names: some Collection<String>) -> String {
  names.count <= 5 ? names.joined(separator: ", ") : names.prefix(4).joined(separator: ", ") + " and \(names.count - 4) others"
}
