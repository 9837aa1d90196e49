import JSON
import Testing

@testable import Push

@Suite struct FalconEncodingTests {
  @Test func `a sample becomes an item of a JSON array`() throws {
    var settings = PushSettings(url: "http://127.0.0.1:1988/v1/push")
    settings.labels = ["cluster": "east"]
    var encoder = FalconEncoder(settings, step: .seconds(15))
    let text = """
      container_cpu_usage_seconds_total{container="app",pod="web",image="a=b, c"} 1.5
      container_network_tcp_usage_total{node="virtual-1",tcp_state="established"} 40
      container_nothing NaN

      """
    _ = encoder.add(try PushedScrape(text, at: 1_700_000_000_999))
    #expect(encoder.samples == 2)
    let taken = encoder.takeBlock()
    let block = try #require(taken)
    #expect(block.samples == 2)
    let items = try #require(JSONValue(parsing: block.bytes).array)
    #expect(
      items == [
        [
          "endpoint": "node-1", "metric": "container_cpu_usage_seconds_total", "timestamp": 1_700_000_000, "step": 15, "value": 1.5,
          "counterType": "COUNTER", "tags": "cluster=east,container=app,image=a_b__c,pod=web",
        ],
        [
          "endpoint": "virtual-1", "metric": "container_network_tcp_usage_total", "timestamp": 1_700_000_000, "step": 15, "value": 40.0,
          "counterType": "GAUGE", "tags": "cluster=east,tcp_state=established",
        ],
      ])
  }
}
