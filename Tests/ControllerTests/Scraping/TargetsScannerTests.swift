import JSON
import Primitives
import Testing

@testable import Controller

/// The fields of a target, for comparison.
private typealias Fields = [TargetField: String]

@Suite struct TargetsScannerTests {
  /// Reads the text in pieces.
  /// - Parameter cuts: offsets between two pieces.
  private func scan(_ text: String, cuts: [Int] = []) throws(TargetsScanError) -> (targets: [Fields], summary: TargetsSummary) {
    let bytes = Array(text.utf8)
    var scanner = TargetsScanner()
    var targets: [Fields] = []
    var start = 0
    for end in cuts.sorted() + [bytes.count] {
      try scanner.scan(Array(bytes[start..<end])) { target in
        var fields: Fields = [:]
        for field in TargetField.allCases where !target[field].isEmpty { fields[field] = target.text(field) }
        targets.append(fields)
      }
      start = end
    }
    return (targets, try scanner.finish())
  }

  private let two = """
    {"status":"success","data":{"activeTargets":[
      {"discoveredLabels":{"__address__":"10.0.0.7:8080","__meta_kubernetes_namespace":"shop","__meta_kubernetes_pod_annotation_note":"a \\"quoted\\\\\\" note",
        "__meta_kubernetes_pod_container_name":"web","__meta_kubernetes_pod_name":"web-0","__meta_kubernetes_pod_uid":"5b6f1f0a-0000-4000-8000-000000000001"},
       "labels":{"container":"web","namespace":"shop","pod":"web-0"},"scrapePool":"serviceMonitor/shop/web/0",
       "scrapeUrl":"http://10.0.0.7:8080/metrics","globalUrl":"http://10.0.0.7:8080/metrics",
       "lastError":"expected a valid start token, got \\"\\u003c\\" (\\"INVALID\\")\\n","lastScrape":"2026-11-28T14:25:46.589710808Z",
       "lastScrapeDuration":0.0011,"health":"down","scrapeInterval":"15s","scrapeTimeout":"10s"},
      {"health":"up","scrapePool":"p","extra":{"deep":[[{"health":"down"}],null,-1.5e3,true]},"discoveredLabels":{"__address__":""},"labels":{}}
    ],"droppedTargets":[{"discoveredLabels":{"__address__":"10.0.0.8:80"}}],"droppedTargetCounts":{"p":14,"q\\/x":0}}}
    """

  @Test func `R116: keeps the fields that the chain needs and skips all others`() throws {
    let (targets, summary) = try scan(two)
    #expect(summary.targets == 2)
    #expect(summary.droppedCounts == ["p": 14, "q/x": 0])
    #expect(
      targets == [
        [
          .address: "10.0.0.7:8080", .namespace: "shop", .pod: "web-0", .podUID: "5b6f1f0a-0000-4000-8000-000000000001", .container: "web",
          .finalNamespace: "shop", .finalPod: "web-0", .finalContainer: "web", .pool: "serviceMonitor/shop/web/0",
          .url: "http://10.0.0.7:8080/metrics", .error: "expected a valid start token, got \"<\" (\"INVALID\")\n",
          .lastScrape: "2026-11-28T14:25:46.589710808Z", .health: "down", .interval: "15s",
        ], [.health: "up", .pool: "p"],
      ])
  }

  @Test func `R116: pieces may end anywhere`() throws {
    let whole = try scan(two)
    for cut in 1..<two.utf8.count {
      let (targets, summary) = try scan(two, cuts: [cut])
      #expect(targets == whole.targets, "cut at \(cut)")
      #expect(summary == whole.summary, "cut at \(cut)")
    }
    #expect(try scan(two, cuts: Array(1..<two.utf8.count)).targets == whole.targets)
  }

  @Test func `R116: a field that is too long is cut, and a skipped one may have any length`() throws {
    let long = String(repeating: "x", count: 3_000_000)
    let text = #"{"status":"success","data":{"activeTargets":[{"note":"\#(long)","lastError":"\#(long)","health":"down"}]}}"#
    let (targets, _) = try scan(text, cuts: Array(stride(from: 100_000, to: 6_000_000, by: 100_000)))
    #expect(targets.first?[.error]?.utf8.count == TargetsScanner.fieldLimit)
    #expect(targets.first?[.health] == "down")
  }

  @Test func `R116: no targets is an answer, also as null`() throws {
    #expect(try scan(#"{"status":"success","data":{"activeTargets":[]}}"#).targets.isEmpty)
    #expect(try scan(#"{"data":{"droppedTargets":null,"activeTargets":null},"status":"success"}"#).targets.isEmpty)
  }

  @Test func `R116: every truncated document is incomplete`() {
    for length in 1..<two.utf8.count {
      let error = #expect(throws: TargetsScanError.self) { try scan(String(decoding: two.utf8.prefix(length), as: UTF8.self)) }
      guard case .incomplete(length, _) = error else {
        Issue.record("\(length): \(String(describing: error))")
        continue
      }
    }
  }

  @Test func `R116: HTML, other JSON and errors of the server are told apart`() {
    #expect(throws: TargetsScanError.html) { try scan("\n<!DOCTYPE html><html>") }
    #expect(throws: TargetsScanError.notTargets) { try scan(#"{"status":"success","data":{"result":[]}}"#) }
    #expect(throws: TargetsScanError.refused("not \"ready\"")) {
      try scan(#"{"status":"error","errorType":"unavailable","error":"not \"ready\""}"#)
    }
    #expect(throws: TargetsScanError.malformed(byte: UInt8(ascii: "["), offset: 7)) { try scan("[1, 2]\n[") }
  }

  @Test(arguments: [#"{"a" 1}"#, #"{"a":1,}"#, "{]", #"{"a":[1 2]}"#, "nonsense", #"{"a":1}}"#, #"{a:1}"#, #"{"a":#}"#])
  func `R116: what is not JSON is an error with its place`(text: String) {
    let error = #expect(throws: TargetsScanError.self) { try scan(text) }
    guard case .malformed = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `R116: nesting is limited`() {
    #expect(throws: TargetsScanError.tooDeep) { try scan(#"{"a":"# + String(repeating: "[", count: 100_000)) }
  }

  @Test func `R116: reads generated documents like a whole parser, in any pieces`() throws {
    var random = SplitMix64(seed: 116)
    for round in 0..<300 {
      let document = GeneratedTargets.document(&random)
      let text = String(decoding: random.next() % 2 == 0 ? Array(document.prettyText.utf8) : document.bytes, as: UTF8.self)
      let length = text.utf8.count
      let cuts = Set((0..<Int(random.next() % 8)).map { _ in Int(random.next() % UInt64(length)) })
      let (targets, _) = try scan(text, cuts: Array(cuts))
      #expect(targets == GeneratedTargets.fields(of: document), "round \(round)")
    }
  }
}

/// Random responses, and what a parser of whole documents finds in them.
private enum GeneratedTargets {
  static let members: [(name: String, field: TargetField)] = [
    ("scrapePool", .pool), ("scrapeUrl", .url), ("lastError", .error), ("lastScrape", .lastScrape), ("health", .health),
    ("scrapeInterval", .interval),
  ]
  static let discoveredLabels: [(name: String, field: TargetField)] = [
    ("__address__", .address), ("__meta_kubernetes_namespace", .namespace), ("__meta_kubernetes_pod_name", .pod),
    ("__meta_kubernetes_pod_uid", .podUID), ("__meta_kubernetes_pod_container_name", .container),
  ]
  static let labels: [(name: String, field: TargetField)] = [
    ("namespace", .finalNamespace), ("pod", .finalPod), ("container", .finalContainer),
  ]

  static func document(_ random: inout SplitMix64) -> JSONValue {
    let count = Int(random.next() % 4)
    let targets = (0..<count).map { _ in target(&random) }
    return ["status": "success", "data": ["activeTargets": .array(targets), "droppedTargets": [target(&random)]]]
  }

  private static func target(_ random: inout SplitMix64) -> JSONValue {
    var target: JSONValue = ["discoveredLabels": [:], "labels": [:], "other": other(&random, depth: 0)]
    for (name, _) in members where random.next() % 4 > 0 { target[name] = .string(text(&random)) }
    for (name, _) in discoveredLabels where random.next() % 4 > 0 { target["discoveredLabels"]?[name] = .string(text(&random)) }
    for (name, _) in labels where random.next() % 4 > 0 { target["labels"]?[name] = .string(text(&random)) }
    target["discoveredLabels"]?[text(&random)] = .string(text(&random))
    return target
  }

  private static func other(_ random: inout SplitMix64, depth: Int) -> JSONValue {
    switch random.next() % (depth > 3 ? 4 : 6) {
    case 0: .null
    case 1: .integer(Int64(random.next() % 1000) - 500)
    case 2: .bool(true)
    case 3: .string(text(&random))
    case 4: .array([other(&random, depth: depth + 1), other(&random, depth: depth + 1)])
    default: ["health": other(&random, depth: depth + 1), "activeTargets": other(&random, depth: depth + 1)]
    }
  }

  private static func text(_ random: inout SplitMix64) -> String {
    let parts = ["\"", "\\", "\\\\", "/", "ä", "日本", "\n", "<", "{", "}", "[", "]", ",", ":", "web-0", "10.0.0.7", "\u{1F600}", ""]
    return (0..<Int(random.next() % 6)).map { _ in parts[Int(random.next() % UInt64(parts.count))] }.joined()
  }

  static func fields(of document: JSONValue) -> [[TargetField: String]] {
    (document["data"]?["activeTargets"]?.array ?? []).map { target in
      var fields: [TargetField: String] = [:]
      for (name, field) in members { fields[field] = target[name]?.string }
      for (name, field) in discoveredLabels { fields[field] = target["discoveredLabels"]?[name]?.string }
      for (name, field) in labels { fields[field] = target["labels"]?[name]?.string }
      return fields.filter { !$0.value.isEmpty }
    }
  }
}
