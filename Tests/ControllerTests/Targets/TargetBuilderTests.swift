import Controller
import Roll
import Testing

@Suite struct TargetBuilderTests {
  let builder = TargetBuilder(
    endpoints: [
      .linux: ScrapeEndpoint(port: 9753, path: "/metrics"), .windows: ScrapeEndpoint(scheme: "https", port: 9182, path: "/metrics"),
      .virtual: ScrapeEndpoint(port: 9750, path: "/metrics/cadvisor"),
    ], virtualAddresses: ["10.3.0.4"])

  @Test func `each source has its own endpoint`() {
    let targets = builder.targets(of: [
      nodeRoll(node: "win", source: .windows, address: "10.0.0.2", ready: false, []),
      nodeRoll(node: "lin", source: .linux, address: "10.0.0.1", []),
    ])
    #expect(
      targets == [
        Target(node: "lin", source: .linux, address: "10.0.0.1", port: 9753),
        Target(node: "win", source: .windows, address: "10.0.0.2", port: 9182, scheme: "https", ready: false),
      ])
  }

  @Test func `R74: an exempt Node is no target`() {
    let rolls = [Source.linux, .windows, .virtual].map { source in
      var roll = nodeRoll(node: source.rawValue, source: source, address: "10.0.0.1", [rollEntry("a")])
      roll.exemption = source == .linux ? .noAgentExpected : .ignored
      return roll
    }
    #expect(builder.targets(of: rolls).isEmpty)
  }

  @Test func `a virtual node is a single target at the controller's own address`() {
    let rolls = [
      nodeRoll(
        node: "virtual", source: .virtual, address: nil, [rollEntry("a", pod: "p-0", ip: "10.9.0.1"), rollEntry("a", pod: "p-1", ip: nil)]),
      nodeRoll(node: "without-pods", source: .virtual, address: nil, []),
    ]
    #expect(
      builder.targets(of: rolls) == [Target(node: "virtual", source: .virtual, address: "10.3.0.4", port: 9750, path: "/metrics/cadvisor")])
    // The address is unknown while no replica leads. Such a target is refused on publication.
    #expect(TargetBuilder(endpoints: builder.endpoints).targets(of: rolls).map(\.address) == [""])
  }

  @Test func `R35: an invalid Node excludes only itself`() {
    let all = builder.targets(of: [
      nodeRoll(node: "a", address: "10.0.0.1", []), nodeRoll(node: "b", address: "10.0.0.1", []), nodeRoll(node: "c", address: nil, []),
      nodeRoll(node: "d", address: "127.0.0.1", []), nodeRoll(node: "e", address: "169.254.3.4", []),
      nodeRoll(node: "f", address: "node-f.local", []),
      nodeRoll(node: "g", address: "fe80::1", []), nodeRoll(node: "h", address: "2001:db8::1", []),
    ])
    let strict = DiscoverableTargets(all, allowsLoopback: false)
    #expect(strict.targets.map(\.node) == ["a", "f", "h"])
    #expect(strict.refused.map(\.target.node) == ["b", "c", "d", "e", "g"])
    #expect(strict.refused.allSatisfy { !"\($0.refusal)".isEmpty })
    #expect(DiscoverableTargets(all, allowsLoopback: true).targets.map(\.node) == ["a", "d", "f", "h"])
  }
}
