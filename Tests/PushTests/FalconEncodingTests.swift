import JSON
import Testing

@testable import Push

@Suite struct FalconEncodingTests {
  private static let tags: Set<String> = ["namespace", "pod", "container", "interface", "device"]

  private func encoder(step: Duration = .seconds(30), labels: [String: String] = [:], tags: Set<String> = Self.tags) -> FalconEncoder {
    var settings = PushSettings(url: "http://127.0.0.1:1988/v1/push")
    settings.labels = labels
    return FalconEncoder(settings, step: step, tags: tags)
  }

  private func items(_ encoder: inout FalconEncoder) throws -> [JSONValue] {
    guard let block = encoder.takeBlock() else { return [] }
    return try #require(JSONValue(parsing: block.bytes).array)
  }

  @Test func `a sample becomes an item of a JSON array`() throws {
    var encoder = encoder(labels: ["cluster": "east"])
    let text = """
      container_cpu_usage_seconds_total{container="app",pod="a=b, c",image="registry.example/app:1"} 1.5
      container_memory_rss{node="virtual-1",pod="web"} 40
      container_nothing NaN

      """
    _ = encoder.add(try PushedScrape(text, at: 1_700_000_000_999))
    #expect(encoder.samples == 2)
    #expect(encoder.unstorable.count == 0)
    #expect(
      try items(&encoder) == [
        [
          "endpoint": "node-1", "metric": "container_cpu_usage_seconds_total", "timestamp": 1_700_000_000, "step": 30, "value": 1.5,
          "counterType": "COUNTER", "tags": "cluster=east,container=app,pod=a_b__c",
        ],
        [
          "endpoint": "virtual-1", "metric": "container_memory_rss", "timestamp": 1_700_000_000, "step": 30, "value": 40.0,
          "counterType": "GAUGE", "tags": "cluster=east,pod=web",
        ],
      ])
  }

  @Test(arguments: [1, 2, 3]) func `R101: items that the index cannot hold are counted and not sent`(extra: Int) throws {
    // metric/pod=name
    let pod = String(repeating: "p", count: 255 - "container_up".utf8.count - "/pod=".utf8.count - 2 + extra)
    var encoder = encoder()
    _ = encoder.add(try PushedScrape("container_up{pod=\"\(pod)\"} 1\ncontainer_up{pod=\"a\"} 2\n"))
    let isTooLong = extra > 2
    #expect(encoder.samples == (isTooLong ? 1 : 2))
    #expect(encoder.unstorable.count == (isTooLong ? 1 : 0))
    #expect(encoder.unstorable.examples == (isTooLong ? [.tooLong: "container_up"] : [:]))
  }

  @Test func `R101: a metric without tags may have 255 bytes`() throws {
    var encoder = encoder()
    let name = String(repeating: "m", count: 255)
    _ = encoder.add(try PushedScrape("\(name) 1\n\(name)m 1\n"))
    #expect(encoder.samples == 1)
    #expect(encoder.unstorable.count == 1)
  }

  @Test func `R101: of series that differ in labels that are no tags, one is sent and the others are counted`() throws {
    let text = """
      container_network_tcp_usage_total{pod="web",tcp_state="established"} 40
      container_network_tcp_usage_total{pod="web",tcp_state="listen"} 1
      container_network_tcp_usage_total{pod="db",tcp_state="listen"} 2

      """
    var few = encoder()
    _ = few.add(try PushedScrape(text))
    #expect(few.samples == 2)
    #expect(few.unstorable.count == 1)
    #expect(few.unstorable.examples == [.sameTags: "container_network_tcp_usage_total"])
    var all = encoder(tags: Self.tags.union(["tcp_state"]))
    _ = all.add(try PushedScrape(text))
    #expect(all.samples == 3)
    #expect(all.unstorable.count == 0)
  }

  @Test func `R101: each owner is sent once a step, which is at least 30 s`() throws {
    var encoder = encoder(step: .seconds(15))
    /// - Returns: the timestamps of what is sent.
    func push(_ owner: String, at seconds: Int64) throws -> [Int64] {
      _ = encoder.add(try PushedScrape(owner: owner, "up 1\n", at: seconds * 1000))
      let items = try items(&encoder)
      #expect(items.allSatisfy { $0["step"] == 30 })
      return items.compactMap { $0["timestamp"]?.integer }
    }
    #expect(try push("a", at: 30) == [30])
    #expect(try push("b", at: 31) == [31])
    #expect(try push("a", at: 45) == [])
    #expect(try push("b", at: 59) == [])
    #expect(try push("b", at: 60) == [60])
    // Collected before, but late.
    #expect(try push("c", at: 59) == [59])
    #expect(try push("b", at: 75) == [])
    #expect(try push("a", at: 89) == [89])
    #expect(encoder.unstorable.count == 0)
    // A clock that was set back stops nothing.
    #expect(try push("a", at: 1) == [1])
    #expect(try push("a", at: 15) == [])
  }

  @Test func `R101: a longer interval is the step`() throws {
    var encoder = encoder(step: .seconds(90))
    _ = encoder.add(try PushedScrape("up 1\n", at: 90_000))
    _ = encoder.add(try PushedScrape("up 1\n", at: 179_000))
    _ = encoder.add(try PushedScrape("up 1\n", at: 180_000))
    #expect(try items(&encoder).compactMap { $0["timestamp"]?.integer } == [90, 180])
  }
}
