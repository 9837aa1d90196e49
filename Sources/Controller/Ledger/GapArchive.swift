package import JSON
package import Roll

/// A stored list of open gaps that cannot be read.
package struct GapArchiveError: Error, CustomStringConvertible, Sendable {
  package var description: String
}

/// The open gaps as one ConfigMap, by which they outlive this process.
///
///     data:
///       gaps.json: |
///         {"version":1,"cut":0,"gaps":[{"namespace":"shop","pod":"cart-0","container":"app",…,"since":1767225600000},…]}
package struct GapArchive: Sendable {
  package static let configMapName = "rollcall-gaps"
  static let dataKey = "gaps.json"
  private static let version: Int64 = 1

  /// At most so many gaps; past it the youngest are left out.
  package var maximumGaps = 5000
  /// At most so many bytes of JSON. The API server refuses an object over 1.5 MiB and a ConfigMap with over 1 MiB of data
  /// (`MaxSecretSize` in Kubernetes' validation); the rest is room for its other fields.
  package var maximumBytes = 900_000

  package init() {}

  /// The ConfigMap to apply, and how many of the youngest gaps it has no room for. `gaps` come oldest first.
  package func configMap(of gaps: [OpenGap], namespace: String) -> (object: JSONValue, cut: Int) {
    let (text, cut) = encode(gaps)
    let object: JSONValue = [
      "apiVersion": "v1", "kind": "ConfigMap",
      "metadata": ["name": .string(Self.configMapName), "namespace": .string(namespace)],
      "data": [Self.dataKey: .string(text)],
    ]
    return (object, cut)
  }

  /// The gaps in a ConfigMap that `configMap(of:namespace:)` made.
  package func gaps(in configMap: JSONValue) throws(GapArchiveError) -> [OpenGap] {
    guard let text = configMap["data"]?[Self.dataKey]?.string else {
      throw GapArchiveError(description: "ConfigMap \(Self.configMapName) has no text at data[\"\(Self.dataKey)\"]")
    }
    let document: JSONValue
    do {
      document = try JSONValue(parsing: text.utf8)
    } catch {
      throw GapArchiveError(description: "ConfigMap \(Self.configMapName), data[\"\(Self.dataKey)\"]: \(error)")
    }
    guard document["version"]?.integer == Self.version, let list = document["gaps"]?.array else {
      throw GapArchiveError(
        description: "ConfigMap \(Self.configMapName), data[\"\(Self.dataKey)\"]: not a list of gaps of version \(Self.version)")
    }
    return list.compactMap(Self.gap(from:))
  }

  private func encode(_ gaps: [OpenGap]) -> (text: String, cut: Int) {
    var pieces: [String] = []
    var bytes = 64  // for what stands around the list
    for gap in gaps.prefix(maximumGaps) {
      let piece = String(decoding: Self.json(of: gap).bytes, as: UTF8.self)
      guard bytes + piece.utf8.count + 1 <= maximumBytes else { break }
      bytes += piece.utf8.count + 1
      pieces.append(piece)
    }
    let cut = gaps.count - pieces.count
    return ("{\"version\":\(Self.version),\"cut\":\(cut),\"gaps\":[\(pieces.joined(separator: ","))]}", cut)
  }

  private static func json(of gap: OpenGap) -> JSONValue {
    [
      "namespace": .string(gap.container.namespace), "pod": .string(gap.container.pod), "container": .string(gap.container.container),
      "podUID": .string(gap.podUID), "containerID": .string(gap.containerID), "node": .string(gap.node),
      "source": .string(gap.source.rawValue), "kind": .string(gap.kind.rawValue), "reason": .string(gap.reason.rawValue),
      "since": .integer(gap.sinceUnixMilliseconds),
    ]
  }

  /// `nil` for an entry that is not complete: one that another version wrote costs itself only.
  private static func gap(from json: JSONValue) -> OpenGap? {
    guard let namespace = json["namespace"]?.string, let pod = json["pod"]?.string, let container = json["container"]?.string,
      let podUID = json["podUID"]?.string, let containerID = json["containerID"]?.string, let node = json["node"]?.string,
      let source = json["source"]?.string.flatMap(Source.init), let kind = json["kind"]?.string.flatMap(GapKind.init),
      let since = json["since"]?.integer
    else { return nil }
    return OpenGap(
      container: ContainerReference(namespace: namespace, pod: pod, container: container), podUID: podUID, containerID: containerID,
      node: node, source: source, kind: kind, reason: json["reason"]?.string.flatMap(Reason.init) ?? .unknown,
      sinceUnixMilliseconds: since)
  }
}

/// Decides when the archive is to be written: when the set of open gaps changed, and not more often than every 15 s.
package struct GapArchiveSchedule: Sendable {
  package static let shortestPause: Duration = .seconds(15)

  /// A gap, whatever its newest reason.
  private struct Identity: Hashable {
    var container: ContainerReference
    var podUID: String
    var containerID: String
    var kind: GapKind
  }

  private var written: Set<Identity>
  private var lastAttempt: Moment?

  /// - Parameter written: what is in the archive at the start.
  package init(written: [OpenGap]) {
    self.written = Self.identities(written)
  }

  package func isDue(_ gaps: [OpenGap], at now: Moment) -> Bool {
    if let lastAttempt, now - lastAttempt < Self.shortestPause { return false }
    return written != Self.identities(gaps)
  }

  /// A write was tried; after a failed one the next is due as soon as the pause is over.
  package mutating func attempted(_ gaps: [OpenGap], succeeded: Bool, at now: Moment) {
    lastAttempt = now
    if succeeded { written = Self.identities(gaps) }
  }

  private static func identities(_ gaps: [OpenGap]) -> Set<Identity> {
    Set(gaps.map { Identity(container: $0.container, podUID: $0.podUID, containerID: $0.containerID, kind: $0.kind) })
  }
}
