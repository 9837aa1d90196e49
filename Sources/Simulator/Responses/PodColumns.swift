import FoundationEssentials
import JSON

extension TableColumn {
  static let pod: [TableColumn] = [
    name,
    text("Ready") { pod in
      let summary = PodSummary(pod)
      return "\(summary.ready)/\(summary.total)"
    },
    text("Status") { PodSummary($0).status },
    TableColumn("Restarts") { pod, now in .string(PodSummary(pod).restarts(now: now)) },
    age,
    text("IP", isWide: true) { pod in
      (pod["status"]?["podIPs"]?[0]?["ip"]?.string ?? pod["status"]?["podIP"]?.string ?? "").orNone
    },
    text("Node", isWide: true) { ($0["spec"]?["nodeName"]?.string ?? "").orNone },
    text("Nominated Node", isWide: true) { ($0["status"]?["nominatedNodeName"]?.string ?? "").orNone },
    text("Readiness Gates", isWide: true) { _ in "<none>" },
  ]
}

/// The columns of a pod that summarise its containers.
private struct PodSummary {
  var total: Int
  var ready = 0
  var status: String
  private var restarts: Int64 = 0
  private var lastRestart: Date?

  init(_ pod: JSONValue) {
    let podStatus = pod["status"] ?? [:]
    let phase = podStatus["phase"]?.string ?? ""
    total = pod["spec"]?["containers"]?.array?.count ?? 0
    status = podStatus["reason"]?.string ?? phase
    let isInitializing = noteInitContainers(podStatus["initContainerStatuses"]?.array ?? [], of: pod)
    if !isInitializing { noteContainers(podStatus["containerStatuses"]?.array ?? [], isReady: Self.isReady(podStatus)) }
    if pod["metadata"]?["deletionTimestamp"]?.string != nil {
      if podStatus["reason"]?.string == "NodeLost" {
        status = "Unknown"
      } else if phase != "Succeeded", phase != "Failed" {
        status = "Terminating"
      }
    }
  }

  func restarts(now: Date) -> String {
    guard restarts > 0, let lastRestart else { return String(restarts) }
    return "\(restarts) (\(Age.text(seconds: Int(now.timeIntervalSince(lastRestart)))) ago)"
  }

  /// - Returns: whether an init container is still running or has failed.
  private mutating func noteInitContainers(_ containers: [JSONValue], of pod: JSONValue) -> Bool {
    for (index, container) in containers.enumerated() {
      noteRestarts(container)
      let state = container["state"]
      if let terminated = state?["terminated"] {
        if terminated["exitCode"]?.integer ?? 0 == 0 { continue }
        status = "Init:" + Self.reason(terminated)
      } else if let reason = state?["waiting"]?["reason"]?.string, !reason.isEmpty, reason != "PodInitializing" {
        status = "Init:" + reason
      } else if container["started"]?.bool == true {
        continue
      } else {
        status = "Init:\(index)/\(pod["spec"]?["initContainers"]?.array?.count ?? containers.count)"
      }
      return true
    }
    return false
  }

  private mutating func noteContainers(_ containers: [JSONValue], isReady: Bool) {
    var hasRunning = false
    // From the last to the first, so that the reason of the first container wins.
    for container in containers.reversed() {
      noteRestarts(container)
      let state = container["state"]
      if let reason = state?["waiting"]?["reason"]?.string, !reason.isEmpty {
        status = reason
      } else if let terminated = state?["terminated"] {
        status = Self.reason(terminated)
      } else if container["ready"]?.bool == true, state?["running"] != nil {
        hasRunning = true
        ready += 1
      }
    }
    if status == "Completed", hasRunning { status = isReady ? "Running" : "NotReady" }
  }

  private mutating func noteRestarts(_ container: JSONValue) {
    restarts += container["restartCount"]?.integer ?? 0
    if let finished = Age.date(container["lastState"]?["terminated"]?["finishedAt"]) {
      lastRestart = max(lastRestart ?? finished, finished)
    }
  }

  private static func reason(_ terminated: JSONValue) -> String {
    if let reason = terminated["reason"]?.string, !reason.isEmpty { return reason }
    if let signal = terminated["signal"]?.integer, signal != 0 { return "Signal:\(signal)" }
    return "ExitCode:\(terminated["exitCode"]?.integer ?? 0)"
  }

  private static func isReady(_ status: JSONValue) -> Bool {
    (status["conditions"]?.array ?? []).contains { $0["type"]?.string == "Ready" && $0["status"]?.string == "True" }
  }
}
