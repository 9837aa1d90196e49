import Exposition
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
    try encoder.add(
      PushedPage(owner: "default/web", text: Array(text.utf8), collectedAt: 1_700_000_000_999, endpoint: "node-1"), limits: .standard)
    #expect(encoder.samples == 2)
    let block = encoder.takeBlock()
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
