internal import FoundationEssentials
internal import GzipZlib
internal import JSON
internal import KubeClient
package import Roll

/// The ConfigMap with the open gaps cannot be decoded.
package struct GapArchiveError: Error, CustomStringConvertible, Sendable {
  package var description: String
}

/// Encodes the open gaps, and the ages that may become gaps, as one ConfigMap, so that they survive a restart.
///
///     data:
///       gaps.json: |
///         {"version":1,"cut":0,"gaps":[{"namespace":"shop","pod":"cart-0","container":"app",…,"since":1767225600000},…],
///         "groups":[{"kind":"uncollected","node":"w1","source":"linux"},{"kind":…,"namespace":"shop","workload":{…}},…]}
///
/// An age that is not a gap yet has `"open":false`. The groups are the nodes and workloads with one alert for all of their gaps. From 9,000
/// ages on this is too large; the text is then stored gzipped in `binaryData` under `gaps.json.gz`. Both forms are read.
struct GapArchive {
  static let dataKey = "gaps.json"
  static let compressedKey = "gaps.json.gz"
  private static let version: Int64 = 1
  /// Limit of the expanded size of a compressed archive.
  private static let maximumTextBytes = 64 << 20

  /// The name of the ConfigMap.
  var name = ObjectNames.gaps
  /// Maximum number of ages; beyond it the youngest are left out, as they lose the least.
  var maximumGaps = 30_000
  /// Maximum size of the data. The API server refuses objects over 1.5 MiB and ConfigMaps with more than 1 MiB of data (`MaxSecretSize` in
  /// Kubernetes' validation); the rest is left for other fields.
  var maximumBytes = 900_000

  /// The ConfigMap to apply, and the number of ages in it.
  /// - Parameters:
  ///   - gaps: oldest first.
  ///   - total: the number of ages, if `gaps` is not all of them.
  func configMap(
    of gaps: [ArchivedAge], total: Int? = nil, groups: AlertGroups = AlertGroups(), namespace: String
  ) -> (object: JSONValue, kept: Int) {
    let total = total ?? gaps.count
    let groups = Self.json(of: groups)
    var kept = min(gaps.count, maximumGaps)
    var data: JSONValue = [:]
    var binaryData: JSONValue?
    let plain = text(of: gaps.prefix(min(kept, maximumBytes / 100)), total: total, groups: groups)
    if plain.utf8.count <= maximumBytes, kept <= maximumBytes / 100 {
      data = [Self.dataKey: .string(plain)]
    } else {
      while true {
        let text = text(of: gaps.prefix(kept), total: total, groups: groups)
        let bytes = gzip(Array(text.utf8)) ?? []
        if bytes.count <= maximumBytes, !bytes.isEmpty || kept == 0 {
          binaryData = [Self.compressedKey: .string(Data(bytes).base64EncodedString())]
          break
        }
        // All ages have about the same size.
        kept = bytes.isEmpty ? 0 : min(kept * maximumBytes / bytes.count, kept * 19 / 20)
      }
    }
    var object: JSONValue = [
      "apiVersion": "v1", "kind": "ConfigMap",
      "metadata": ["name": .string(name), "namespace": .string(namespace)],
      "data": data,
    ]
    if let binaryData { object["binaryData"] = binaryData }
    return (object, kept)
  }

  /// Decodes a ConfigMap made by `configMap(of:total:groups:namespace:)`.
  func content(of configMap: JSONValue) throws(GapArchiveError) -> (ages: [ArchivedAge], groups: AlertGroups) {
    let text: [UInt8]
    let field: String
    if let encoded = configMap["binaryData"]?[Self.compressedKey]?.string {
      field = "binaryData[\"\(Self.compressedKey)\"]"
      guard let bytes = Data(base64Encoded: encoded),
        let expanded = gunzip([UInt8](bytes), atMost: Self.maximumTextBytes)
      else {
        throw GapArchiveError(description: "ConfigMap \(name), \(field): not a complete gzip member within the size limit")
      }
      text = expanded
    } else if let plain = configMap["data"]?[Self.dataKey]?.string {
      field = "data[\"\(Self.dataKey)\"]"
      text = Array(plain.utf8)
    } else {
      throw GapArchiveError(
        description: "ConfigMap \(name) has neither data[\"\(Self.dataKey)\"] nor binaryData[\"\(Self.compressedKey)\"]")
    }
    let document: JSONValue
    do {
      document = try JSONValue(parsing: text)
    } catch {
      throw GapArchiveError(description: "ConfigMap \(name), \(field): \(error)")
    }
    guard document["version"]?.integer == Self.version, let list = document["gaps"]?.array else {
      throw GapArchiveError(description: "ConfigMap \(name), \(field): not a list of gaps of version \(Self.version)")
    }
    return (list.compactMap(Self.gap(from:)), Self.groups(from: document["groups"]))
  }

  private func text(of gaps: ArraySlice<ArchivedAge>, total: Int, groups: [JSONValue]) -> String {
    var text = "{\"version\":\(Self.version),\"cut\":\(total - gaps.count),\"gaps\":["
    var isFirst = true
    for gap in gaps {
      if !isFirst { text += "," }
      isFirst = false
      text += String(decoding: Self.json(of: gap).bytes, as: UTF8.self)
    }
    if !groups.isEmpty { text += "],\"groups\":" + String(decoding: JSONValue.array(groups).bytes.dropLast(), as: UTF8.self) }
    return text + "]}"
  }

  /// In a stable order.
  private static func json(of groups: AlertGroups) -> [JSONValue] {
    groups.nodes.sorted().map { key in
      json(
        ["kind": .string(key.kind.rawValue), "node": .string(key.node), "source": .string(key.source.rawValue)], with: key.terms)
    }
      + groups.workloads.sorted().map { key in
        json(
          [
            "kind": .string(key.kind.rawValue), "namespace": .string(key.namespace),
            "workload": ["kind": .string(key.workload.kind), "name": .string(key.workload.name)],
          ], with: key.terms)
      }
  }

  private static func json(_ group: JSONValue, with terms: AlertTerms) -> JSONValue {
    var json = group
    json["severity"] = terms.severity.map { .string($0) }
    if !terms.labels.isEmpty { json["labels"] = .object(JSONObject(terms.labels.map { ($0.key, .string($0.value)) })) }
    return json
  }

  /// An entry that cannot be read does not affect the others. Earlier versions wrote none.
  private static func groups(from json: JSONValue?) -> AlertGroups {
    var groups = AlertGroups()
    for entry in json?.array ?? [] {
      guard let kind = entry["kind"]?.string.flatMap(GapKind.init) else { continue }
      let terms = AlertTerms(
        severity: entry["severity"]?.string, labels: (entry["labels"]?.object ?? [:]).compactMapValues(\.string))
      if let node = entry["node"]?.string, let source = entry["source"]?.string.flatMap(Source.init) {
        groups.nodes.insert(NodeAlertKey(node: node, source: source, kind: kind, terms: terms))
      } else if let namespace = entry["namespace"]?.string, let workload = entry["workload"]?["kind"]?.string,
        let name = entry["workload"]?["name"]?.string
      {
        let workload = Workload(kind: workload, name: name)
        groups.workloads.insert(WorkloadAlertKey(namespace: namespace, workload: workload, kind: kind, terms: terms))
      }
    }
    return groups
  }

  private static func json(of age: ArchivedAge) -> JSONValue {
    var json: JSONValue = [
      "namespace": .string(age.container.namespace), "pod": .string(age.container.pod), "container": .string(age.container.container),
      "podUID": .string(age.podUID), "node": .string(age.node), "source": .string(age.source.rawValue), "kind": .string(age.kind.rawValue),
      "reason": .string(age.reason.rawValue), "since": .integer(age.sinceUnixMilliseconds),
    ]
    if !age.isOpen { json["open"] = false }
    if age.isCollectedInRun { json["collectedInRun"] = true }
    return json
  }

  /// `nil` for an incomplete entry, for example one of another version. It does not affect the others.
  private static func gap(from json: JSONValue) -> ArchivedAge? {
    guard let namespace = json["namespace"]?.string, let pod = json["pod"]?.string, let container = json["container"]?.string,
      let podUID = json["podUID"]?.string, let node = json["node"]?.string, let source = json["source"]?.string.flatMap(Source.init),
      let kind = json["kind"]?.string.flatMap(GapKind.init), let since = json["since"]?.integer
    else { return nil }
    return ArchivedAge(
      container: ContainerReference(namespace: namespace, pod: pod, container: container), podUID: podUID, node: node, source: source,
      kind: kind, reason: json["reason"]?.string.flatMap(Reason.init) ?? .unknown, sinceUnixMilliseconds: since,
      isOpen: json["open"] != false, isCollectedInRun: json["collectedInRun"] == true)
  }
}

/// Decides when to write the archive: after its content changed, but at most every 15 s.
package struct GapArchiveSchedule: Sendable {
  package static let shortestPause: Duration = .seconds(15)
  /// The archive has wall-clock times. If the clock was set by more than this since they were written, they are wrong.
  private static let clockTolerance: Int64 = 5000

  private struct Written {
    var fingerprint: Int
    var clockOffset: Int64?
  }

  /// `nil` if the stored content is unknown.
  private var written: Written?
  private var lastAttempt: Moment?

  /// - Parameter written: the fingerprint of the stored content; `nil` if unknown.
  package init(written: Int?) {
    self.written = written.map { Written(fingerprint: $0, clockOffset: nil) }
  }

  /// Whether a write may be due, so that the fingerprint is worth computing.
  package func isOpen(at now: Moment) -> Bool {
    lastAttempt.map { now - $0 >= Self.shortestPause } ?? true
  }

  package func isDue(_ fingerprint: Int, at now: ClockReading) -> Bool {
    isOpen(at: now.moment) && !hasWritten(fingerprint, at: now)
  }

  /// Whether the stored content matches the fingerprint and has correct times.
  package func hasWritten(_ fingerprint: Int, at now: ClockReading) -> Bool {
    guard let written, written.fingerprint == fingerprint else { return false }
    guard fingerprint != 0, let offset = written.clockOffset else { return true }
    return abs(now.clockOffset - offset) <= Self.clockTolerance
  }

  /// Records a write attempt. After a failed one the next is due once the pause is over.
  package mutating func attempted(_ fingerprint: Int, succeeded: Bool, at now: ClockReading) {
    lastAttempt = now.moment
    if succeeded { written = Written(fingerprint: fingerprint, clockOffset: now.clockOffset) }
  }

  /// The stored content is gone: the next write is due at once, unless nothing was stored.
  package mutating func invalidate() {
    if written?.fingerprint == 0 { return }
    written = nil
    lastAttempt = nil
  }
}

extension ClockReading {
  /// The wall clock less the monotonic clock, in milliseconds. It changes when the wall clock is set.
  fileprivate var clockOffset: Int64 { unixMilliseconds - moment.milliseconds }
}

/// The state of the archive, for metrics.
package struct GapArchiveStatus: Hashable, Sendable {
  /// Ages in the archive, gaps included, as of the last write.
  package var kept = 0
  /// Ages left out for lack of space, as of the last write.
  package var cut = 0
  /// Number of failed writes.
  package var failures: UInt64 = 0

  package init() {}
}
