import Controller
import Roll
import Testing

@Suite struct TargetBuilderTests {
  let builder = TargetBuilder(endpoints: [
    .linux: ScrapeEndpoint(port: 9753, path: "/metrics"), .windows: ScrapeEndpoint(scheme: "https", port: 9182, path: "/metrics"),
    .virtual: ScrapeEndpoint(port: 8080, path: "/metrics/cadvisor"),
  ])

  @Test func eachSourceHasItsEndpoint() {
    let targets = builder.targets(of: [
      roll(node: "win", source: .windows, address: "10.0.0.2", ready: false, []),
      roll(node: "lin", source: .linux, address: "10.0.0.1", []),
    ])
    #expect(
      targets == [
        Target(node: "lin", source: .linux, address: "10.0.0.1", port: 9753),
        Target(node: "win", source: .windows, address: "10.0.0.2", port: 9182, scheme: "https", ready: false),
      ])
  }

  @Test func aVirtualNodeHasOneTargetAPod() {
    let targets = builder.targets(of: [
      roll(
        node: "virtual", source: .virtual, address: nil,
        [
          entry("a", pod: "p-0", ip: "10.9.0.1"), entry("b", pod: "p-0", ip: "10.9.0.1"), entry("a", pod: "p-1", ip: "10.9.0.2"),
          entry("a", pod: "p-2", ip: nil),
        ])
    ])
    #expect(targets.map(\.address) == ["10.9.0.1", "10.9.0.2", ""])
    #expect(targets.map(\.pod?.name) == ["p-0", "p-1", "p-2"])
    #expect(targets.map(\.path) == Array(repeating: "/metrics/cadvisor", count: 3))
  }

  @Test func r35_aBadNodeCostsOnlyItself() {
    let all = builder.targets(of: [
      roll(node: "a", address: "10.0.0.1", []), roll(node: "b", address: "10.0.0.1", []), roll(node: "c", address: nil, []),
      roll(node: "d", address: "127.0.0.1", []), roll(node: "e", address: "169.254.3.4", []), roll(node: "f", address: "node-f.local", []),
      roll(node: "g", address: "fe80::1", []), roll(node: "h", address: "2001:db8::1", []),
    ])
    let strict = DiscoverableTargets(all, allowsLoopback: false)
    #expect(strict.targets.map(\.node) == ["a", "f", "h"])
    #expect(strict.refused.map(\.target.node) == ["b", "c", "d", "e", "g"])
    #expect(strict.refused.allSatisfy { !"\($0.refusal)".isEmpty })
    #expect(DiscoverableTargets(all, allowsLoopback: true).targets.map(\.node) == ["a", "d", "f", "h"])
  }
}
