import JSON
import Testing

@testable import Simulator

@Suite struct EndpointSliceRulesTests {
  private func problems(_ slice: JSONValue, old: JSONValue? = nil, acceptsLoopback: Bool = false) -> [String] {
    EndpointSliceRules.validate(slice, old: old, rules: ServerRules(acceptsLoopbackEndpoints: acceptsLoopback)).map(\.field)
  }

  private func texts(_ slice: JSONValue, old: JSONValue? = nil) -> [String] {
    EndpointSliceRules.validate(slice, old: old, rules: ServerRules()).map(\.description)
  }

  @Test(arguments: [
    ("10.0.0.1", "IPv4", true), ("fd00::1", "IPv6", true), ("example.com", "FQDN", true), ("127.0.0.1", "IPv4", false),
    ("127.1.2.3", "IPv4", false), ("169.254.1.1", "IPv4", false), ("0.0.0.0", "IPv4", false), ("224.0.0.5", "IPv4", false),
    ("::1", "IPv6", false), ("::", "IPv6", false), ("fe80::1", "IPv6", false), ("ff02::1", "IPv6", false), ("not-an-ip", "IPv4", false),
    ("10.0.0.256", "IPv4", false),
  ])
  func `addresses are validated`(address: String, type: String, isValid: Bool) {
    #expect(problems(Sample.slice("a", addresses: [address], type: type)) == (isValid ? [] : ["endpoints[0].addresses[0]"]))
  }

  @Test(arguments: [("10.0.0.1", "IPv6"), ("fd00::1", "IPv4"), ("FD00::1", "IPv4")])
  func `R103: an address of the other family is refused`(address: String, type: String) {
    #expect(
      texts(Sample.slice("a", addresses: [address], type: type))
        == ["endpoints[0].addresses: Invalid value: \"\(address)\": must be an \(type) address"])
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

  @Test func `R103: a slice has at most 20,000 ports with unique names, and any numbers`() {
    var object = Sample.slice("a", addresses: ["10.0.0.1"])
    let ports: [JSONValue] = (0...20_000).map { ["name": .string("p\($0)"), "port": .integer(Int64($0))] }
    object["ports"] = .array(Array(ports.prefix(20_000)))
    #expect(texts(object).isEmpty)
    object["ports"] = .array(ports)
    #expect(texts(object) == ["ports: Too many: 20001: must have at most 20000 items"])
    object["ports"] = [["name": "x", "port": 0], ["name": "x", "port": 70_000]]
    #expect(texts(object) == ["ports[1].name: Duplicate value: \"x\""])
  }

  @Test(arguments: [
    ("10.0.0.256", "IPv4", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    ("web", "IPv6", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    ("010.0.0.1", "IPv4", "must not have leading 0s"), ("::ffff:10.0.0.1", "IPv6", "must not be an IPv4-mapped IPv6 address"),
    ("fd00:0::1", "IPv6", "must be in canonical form (\"fd00::1\")"), ("FD00::A", "IPv6", "must be in canonical form (\"fd00::a\")"),
    ("0.0.0.0", "IPv4", "may not be unspecified (0.0.0.0)"), ("::", "IPv6", "may not be unspecified (::)"),
    ("127.0.0.1", "IPv4", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("fe80::1", "IPv6", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("example", "FQDN", "should be a domain with at least two segments separated by dots"),
  ])
  func `R103: refused addresses have the texts of the API server`(address: String, type: String, detail: String) {
    #expect(
      texts(Sample.slice("a", addresses: [address], type: type)) == ["endpoints[0].addresses[0]: Invalid value: \"\(address)\": \(detail)"])
  }

  @Test func `an update that changes no endpoint may keep invalid ones`() {
    var old = Sample.slice("a", addresses: ["fd00:0::1"], type: "IPv6")
    var new = old
    new["metadata"]?["labels"] = ["a": "b"]
    #expect(texts(new, old: old).isEmpty)
    old["endpoints"] = []
    #expect(texts(new, old: old).count == 1)
  }

  @Test func `R103: hints are names of at most eight zones and nodes`() {
    var slice = Sample.slice("a", addresses: [])
    let nine: JSONValue = .array((0..<9).map { ["name": .string("z\($0)")] })
    slice["endpoints"] = [["addresses": ["10.0.0.1"], "hints": ["forZones": nine, "forNodes": [["name": "A"]]]]]
    #expect(problems(slice) == ["endpoints[0].hints.forZones", "endpoints[0].hints.forNodes[0].name"])
  }

  @Test func `the address type is immutable`() {
    #expect(problems(Sample.slice("a", addresses: [], type: "IPv6"), old: Sample.slice("a", addresses: [])) == ["addressType"])
    #expect(problems(Sample.slice("a", addresses: [], type: "")) == ["addressType"])
    #expect(problems(Sample.slice("a", addresses: [], type: "IPX")) == ["addressType"])
  }
}
