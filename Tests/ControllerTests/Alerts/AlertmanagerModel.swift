import JSON
import KubeClient
import Roll

@testable import Controller

/// What an alert is about.
struct AlertSubject: CustomStringConvertible {
  var pod: String?
  var container: String?
  var node: String?
  var workload: String?

  init(_ labels: JSONValue) {
    pod = labels["pod"]?.string
    container = labels["container"]?.string
    node = labels["node"]?.string
    workload = labels["workload"]?.string
  }

  /// Whether the alert has this key.
  func has(_ key: AlertKey) -> Bool {
    switch key {
    case .gap(let key): pod == key.container.pod && container == key.container.container && node == key.node
    case .node(let key): pod == nil && node == key.node
    case .workload(let key): pod == nil && node == nil && workload == key.workload.name
    case .tooManyGaps: false
    }
  }

  var description: String { "pod \(pod ?? "-"), container \(container ?? "-"), node \(node ?? "-"), workload \(workload ?? "-")" }
}

/// Alertmanager as far as it decides which alerts are active: `provider/mem` and `Alert.Merge` in github.com/prometheus/alertmanager.
struct AlertmanagerModel {
  private struct Stored {
    var subject: AlertSubject
    var startsAt: String
    var endsAt: String
  }

  private var alerts: [JSONValue: Stored] = [:]

  /// - Returns: whether all alerts are valid. Valid ones are stored in any case.
  mutating func post(_ batch: JSONValue, now: Int64, isBad: (AlertSubject) -> Bool) -> Bool {
    let now = rfc3339(now)
    var isValid = true
    for alert in batch.array ?? [] {
      guard let labels = alert["labels"], let startsAt = alert["startsAt"]?.string, let endsAt = alert["endsAt"]?.string,
        startsAt <= endsAt
      else {
        isValid = false
        continue
      }
      let subject = AlertSubject(labels)
      guard !isBad(subject) else {
        isValid = false
        continue
      }
      var new = Stored(subject: subject, startsAt: startsAt, endsAt: endsAt)
      if let old = alerts[labels], overlap(old, new) {
        new.startsAt = min(old.startsAt, new.startsAt)
        if endsAt > now { new.endsAt = max(old.endsAt, new.endsAt) }
      }
      alerts[labels] = new
    }
    return isValid
  }

  private func overlap(_ old: Stored, _ new: Stored) -> Bool {
    (new.endsAt > old.startsAt && new.endsAt < old.endsAt) || (new.startsAt > old.startsAt && new.startsAt < old.endsAt)
  }

  /// What the active alerts are about.
  func active(now: Int64) -> [AlertSubject] {
    let now = rfc3339(now)
    return alerts.values.filter { $0.endsAt > now }.map(\.subject)
  }
}
