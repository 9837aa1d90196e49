internal import Glibc
internal import JSON

/// What is read of an active target. Unknown and missing fields are empty.
enum TargetField: Int, CaseIterable {
  // Of the target itself.
  case pool, url, error, lastScrape, health, interval
  // Of `discoveredLabels`, before relabelling.
  case address, namespace, pod, podUID, container
  // Of `labels`, after relabelling. vmagent may have no others.
  case finalNamespace, finalPod, finalContainer

  /// The member of a target with that key.
  @inline(__always)
  init?(ofTarget key: UnsafeBufferPointer<UInt8>) {
    switch key.count {
    case 6 where key.isEqual("health"): self = .health
    case 9 where key.isEqual("scrapeUrl"): self = .url
    case 9 where key.isEqual("lastError"): self = .error
    case 10 where key.isEqual("scrapePool"): self = .pool
    case 10 where key.isEqual("lastScrape"): self = .lastScrape
    case 14 where key.isEqual("scrapeInterval"): self = .interval
    default: return nil
    }
  }

  /// The label with that name before relabelling. Lengths first: most labels are others.
  @inline(__always)
  init?(discovered name: UnsafeBufferPointer<UInt8>) {
    switch name.count {
    case 11 where name.isEqual("__address__"): self = .address
    case 25 where name.isEqual("__meta_kubernetes_pod_uid"): self = .podUID
    case 26 where name.isEqual("__meta_kubernetes_pod_name"): self = .pod
    case 27 where name.isEqual("__meta_kubernetes_namespace"): self = .namespace
    case 36 where name.isEqual("__meta_kubernetes_pod_container_name"): self = .container
    default: return nil
    }
  }

  /// The label with that name after relabelling.
  @inline(__always)
  init?(final name: UnsafeBufferPointer<UInt8>) {
    switch name.count {
    case 3 where name.isEqual("pod"): self = .finalPod
    case 9 where name.isEqual("namespace"): self = .finalNamespace
    case 9 where name.isEqual("container"): self = .finalContainer
    default: return nil
    }
  }
}

extension UnsafeBufferPointer<UInt8> {
  @inline(__always)
  func isEqual(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount, let baseAddress else { return false }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }
}

/// The content of JSON strings.
enum JSONText {
  /// Resolves escape sequences. A string that was cut within one is returned unchanged.
  static func unescaped(_ text: UnsafeBufferPointer<UInt8>) -> String {
    guard text.contains(UInt8(ascii: "\\")) else { return String(decoding: text, as: UTF8.self) }
    let quote = [UInt8(ascii: "\"")]
    return (try? JSONValue(parsing: quote + text + quote))?.string ?? String(decoding: text, as: UTF8.self)
  }
}

/// The fields of one active target, in buffers that the scanner reuses for the next one.
struct ScannedTarget {
  private var fields = [[UInt8]](repeating: [], count: TargetField.allCases.count)

  subscript(field: TargetField) -> [UInt8] { fields[field.rawValue] }

  func text(_ field: TargetField) -> String { String(decoding: self[field], as: UTF8.self) }

  /// - Parameter value: as in JSON, with escape sequences.
  mutating func set(_ field: TargetField, _ value: UnsafeBufferPointer<UInt8>) {
    fields[field.rawValue].removeAll(keepingCapacity: true)
    if value.contains(UInt8(ascii: "\\")) {
      fields[field.rawValue] += JSONText.unescaped(value).utf8
    } else {
      fields[field.rawValue].append(contentsOf: value)
    }
  }

  mutating func reset() {
    for index in fields.indices { fields[index].removeAll(keepingCapacity: true) }
  }
}

/// What a response says besides its targets.
struct TargetsSummary: Hashable, Sendable {
  /// The number of active targets.
  var targets = 0
  /// The number of dropped targets by scrape pool. `nil` if the response has no counts: Prometheus sends them since 2.47, and not with
  /// `state=active`.
  var droppedCounts: [String: Int]?
  var status = ""
  /// The server's message, if it did not succeed.
  var error = ""
  /// Whether it has a list of active targets.
  var hasTargets = false
}

/// Why a response is not a list of targets.
enum TargetsScanError: Error, Hashable, Sendable {
  /// It begins like HTML: another server answers at the URL, such as a login page.
  case html
  /// A byte that is not possible there in JSON, with its offset in the body.
  case malformed(byte: UInt8, offset: Int)
  case tooDeep
  /// It ended within the document.
  case incomplete(bytes: Int, targets: Int)
  /// The server reports an error, in its own words.
  case refused(String)
  /// It is JSON without active targets.
  case notTargets
}

extension TargetsScanError: CustomStringConvertible {
  var description: String {
    switch self {
    case .html: "the response is HTML: something other than Prometheus answers, such as a login page or a proxy"
    case .malformed(let byte, let offset): "the response is not JSON: unexpected byte 0x\(String(byte, radix: 16)) at offset \(offset)"
    case .tooDeep: "the response is nested too deeply"
    case .incomplete(let bytes, let targets): "the response ends within the document, after \(bytes) bytes and \(targets) targets"
    case .refused(let message): "the server reports an error: \(message)"
    case .notTargets: "the response has no list of active targets: the URL is not that of a Prometheus API"
    }
  }
}
