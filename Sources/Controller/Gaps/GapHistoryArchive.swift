internal import FoundationEssentials
internal import GzipZlib
internal import JSON
internal import KubeClient
internal import Roll

/// Encodes the ended gaps as a ConfigMap, so that they survive a restart: as `GapArchive`, but always gzipped, in `binaryData` under
/// `gap-history.json.gz`.
///
///     {"version":1,"gaps":[{"namespace":"shop","pod":"cart-0","container":"app","node":"w1","count":1,…,"end":"recovered"},…]}
struct GapHistoryArchive {
  static let dataKey = "gap-history.json.gz"
  private static let version: Int64 = 1
  /// Limit of the expanded size.
  private static let maximumTextBytes = 4 << 20

  /// The name of the ConfigMap.
  var name = ObjectNames.gapHistory
  /// Maximum size of the gzipped data; the oldest entries beyond it are left out. A thousand usual entries take 60 kB.
  var maximumBytes = 400_000

  func configMap(of gaps: [EndedGap], namespace: String) -> JSONValue {
    var kept = gaps[...]
    var bytes = Self.packed(kept)
    while bytes.count > maximumBytes, !kept.isEmpty {
      // All entries have about the same size.
      kept = kept.suffix(min(kept.count * maximumBytes / bytes.count, kept.count * 19 / 20))
      bytes = Self.packed(kept)
    }
    return [
      "apiVersion": "v1", "kind": "ConfigMap",
      "metadata": ["name": .string(name), "namespace": .string(namespace)],
      "binaryData": [Self.dataKey: .string(Data(bytes).base64EncodedString())],
    ]
  }

  /// Decodes a ConfigMap made by `configMap(of:namespace:)`.
  func gaps(of configMap: JSONValue) throws(GapArchiveError) -> [EndedGap] {
    let place = "ConfigMap \(name), binaryData[\"\(Self.dataKey)\"]"
    guard let encoded = configMap["binaryData"]?[Self.dataKey]?.string, let bytes = Data(base64Encoded: encoded),
      let text = gunzip([UInt8](bytes), atMost: Self.maximumTextBytes)
    else { throw GapArchiveError(description: "\(place): not a complete gzip member within the size limit") }
    let document: JSONValue
    do {
      document = try JSONValue(parsing: text)
    } catch {
      throw GapArchiveError(description: "\(place): \(error)")
    }
    guard document["version"]?.integer == Self.version, let list = document["gaps"]?.array else {
      throw GapArchiveError(description: "\(place): not a list of ended gaps of version \(Self.version)")
    }
    return list.compactMap(EndedGap.init)
  }

  private static func packed(_ gaps: ArraySlice<EndedGap>) -> [UInt8] {
    let document: JSONValue = ["version": .integer(version), "gaps": .array(gaps.map(\.json))]
    return gzip(document.bytes) ?? []
  }
}

extension EndedGap {
  fileprivate var json: JSONValue {
    var json: JSONValue = [
      "namespace": .string(container.namespace), "pod": .string(container.pod), "container": .string(container.container),
      "node": .string(node), "source": .string(source.rawValue), "kind": .string(kind.rawValue), "reason": .string(reason.rawValue),
      "since": .integer(sinceUnixMilliseconds), "ended": .integer(endUnixMilliseconds), "end": .string(end.name),
      "count": .integer(Int64(count)),
    ]
    if !detail.isEmpty { json["detail"] = .string(detail) }
    if let workload { json["workload"] = ["kind": .string(workload.kind), "name": .string(workload.name)] }
    return json
  }

  /// `nil` for an incomplete entry, for example one of another version. It does not affect the others.
  fileprivate init?(_ json: JSONValue) {
    guard let namespace = json["namespace"]?.string, let pod = json["pod"]?.string, let container = json["container"]?.string,
      let node = json["node"]?.string, let source = json["source"]?.string.flatMap(Source.init),
      let kind = json["kind"]?.string.flatMap(GapKind.init), let since = json["since"]?.integer, let ended = json["ended"]?.integer,
      let end = json["end"]?.string.flatMap(GapEnd.init(name:)), let count = json["count"]?.integer, (1...1_000_000).contains(count)
    else { return nil }
    let workload = json["workload"]
    self.init(
      count: Int(count), container: ContainerReference(namespace: namespace, pod: pod, container: container),
      workload: workload?["kind"]?.string.flatMap { kind in workload?["name"]?.string.map { Workload(kind: kind, name: $0) } },
      node: node, source: source, kind: kind, reason: json["reason"]?.string.flatMap(Reason.init) ?? .unknown,
      detail: json["detail"]?.string ?? "", sinceUnixMilliseconds: since, endUnixMilliseconds: ended, end: end)
  }
}

extension GapEnd {
  private static let exemptPrefix = "exempt:"

  /// In the archive.
  fileprivate var name: String {
    switch self {
    case .recovered: "recovered"
    case .leftRoll: "leftRoll"
    case .exempt(let exemption): Self.exemptPrefix + exemption.rawValue
    case .replaced: "replaced"
    case .superseded: "superseded"
    case .relaxed: "relaxed"
    }
  }

  fileprivate init?(name: String) {
    switch name {
    case "recovered": self = .recovered
    case "leftRoll": self = .leftRoll
    case "replaced": self = .replaced
    case "superseded": self = .superseded
    case "relaxed": self = .relaxed
    default:
      guard name.hasPrefix(Self.exemptPrefix), let exemption = Exemption(rawValue: String(name.dropFirst(Self.exemptPrefix.count)))
      else { return nil }
      self = .exempt(exemption)
    }
  }
}
