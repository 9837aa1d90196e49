import JSON
import Testing

@testable import Simulator

@Suite struct EndpointSliceRulesTests {
  private func problems(_ slice: JSONValue, old: JSONValue? = nil, acceptsLoopback: Bool = false) -> [String] {
    EndpointSliceRules.validate(slice, old: old, rules: ServerRules(acceptsLoopbackEndpoints: acceptsLoopback)).map(\.field)
  }

  @Test(arguments: [
    ("10.0.0.1", "IPv4", true), ("fd00::1", "IPv6", true), ("example.com", "FQDN", true), ("127.0.0.1", "IPv4", false),
    ("127.1.2.3", "IPv4", false), ("169.254.1.1", "IPv4", false), ("0.0.0.0", "IPv4", false), ("224.0.0.5", "IPv4", false),
    ("::1", "IPv6", false), ("::", "IPv6", false), ("fe80::1", "IPv6", false), ("ff02::1", "IPv6", false), ("10.0.0.1", "IPv6", false),
    ("fd00::1", "IPv4", false), ("not-an-ip", "IPv4", false), ("10.0.0.256", "IPv4", false),
  ])
  func `addresses are validated`(address: String, type: String, isValid: Bool) {
    #expect(problems(Sample.slice("a", addresses: [address], type: type)) == (isValid ? [] : ["endpoints[0].addresses[0]"]))
  }

  @Test func `loopback addresses are valid if configured`() {
    #expect(problems(Sample.slice("a", addresses: ["127.0.0.1"]), acceptsLoopback: true).isEmpty)
    #expect(problems(Sample.slice("a", addresses: ["169.254.0.1"]), acceptsLoopback: true) == ["endpoints[0].addresses[0]"])
  }

  @Test func `a slice has at most 1000 endpoints`() {
    let addresses = (0..<1_000).map { "10.1.\($0 / 250).\($0 % 250 + 1)" }
    #expect(problems(Sample.slice("a", addresses: addresses)).isEmpty)
    #expect(problems(Sample.slice("a", addresses: addresses + ["10.9.9.9"])) == ["endpoints"])
  }

  @Test func `a slice has at most 100 ports with unique names`() {
    var object = Sample.slice("a", addresses: ["10.0.0.1"])
    let ports: [JSONValue] = (1...101).map { ["name": "p\($0)", "port": .integer($0)] }
    object["ports"] = .array(Array(ports.prefix(100)))
    #expect(problems(object).isEmpty)
    object["ports"] = .array(ports)
    #expect(problems(object) == ["ports"])
    object["ports"] = [["name": "x", "port": 1], ["name": "x", "port": 70_000]]
    #expect(problems(object) == ["ports[1].name", "ports[1].port"])
  }

  @Test func `the address type is immutable`() {
    #expect(problems(Sample.slice("a", addresses: [], type: "IPv6"), old: Sample.slice("a", addresses: [])) == ["addressType"])
    #expect(problems(Sample.slice("a", addresses: [], type: "")) == ["addressType"])
    #expect(problems(Sample.slice("a", addresses: [], type: "IPX")) == ["addressType"])
  }
}
