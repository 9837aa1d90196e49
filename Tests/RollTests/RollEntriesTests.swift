import Roll
import Testing

struct RollEntriesTests {
  private static let uid = "0b6c2f2e-7d4f-4a70-9f0c-1f2e3d4c5b6a"
  private static let id = String(repeating: "0123456789abcdef", count: 4)

  private static func entry(
    _ container: String = "app", pod: String = "web-0", namespace: String = "shop", uid: String = uid, id: String = id,
    hostNetwork: Bool = false, ip: String? = "10.1.2.3"
  ) -> RollEntry {
    RollEntry(
      reference: ContainerReference(namespace: namespace, pod: pod, container: container), podUID: uid, containerID: id,
      hostNetwork: hostNetwork, podIP: ip)
  }

  /// Values in unusual forms, which must be returned unchanged.
  static let unusual: [RollEntry] = [
    entry(), entry(hostNetwork: true),
    entry(uid: ""), entry(uid: "uid-1"), entry(uid: uid.uppercased()), entry(uid: String(uid.dropLast()) + "g"),
    entry(uid: "0b6c2f2e77d4f-4a70-9f0c-1f2e3d4c5b6a"),
    entry(id: ""), entry(id: "0123456789ab"), entry(id: id.uppercased()), entry(id: String(id.dropLast()) + "g"), entry(id: id + "0"),
    entry(ip: nil), entry(ip: ""), entry(ip: "0.0.0.0"), entry(ip: "255.255.255.255"), entry(ip: "10.0.0.256"), entry(ip: "10.0.0.01"),
    entry(ip: "10.0.0"), entry(ip: "10.0.0.1."), entry(ip: "10..0.1"), entry(ip: "1.2.3.4.5"), entry(ip: "fd00::7"),
    entry(ip: "fe80::1%eth0"),
    entry(""), entry(pod: ""), entry(namespace: ""), entry("ä–", pod: "日本", namespace: "🙂"),
    entry(String(repeating: "c", count: 254)), entry(String(repeating: "c", count: 255)), entry(String(repeating: "c", count: 70_000)),
  ]

  @Test(arguments: unusual) func `an entry is returned unchanged`(entry: RollEntry) {
    #expect(Array(RollEntries([entry])) == [entry])
    #expect(RollEntries([Self.entry("first"), entry, Self.entry("last")])[1] == entry)
  }

  @Test func `many entries are returned in their order`() {
    let entries = RollEntries(Self.unusual)
    #expect(Array(entries) == Self.unusual)
    #expect(entries.indices.map { entries[$0] } == Self.unusual)
    #expect(Array(entries.references) == Self.unusual.map(\.reference))
    #expect(entries.indices.map { entries.reference(at: $0) } == Self.unusual.map(\.reference))
    #expect(entries.dropFirst(3).prefix(4).map(\.self) == Array(Self.unusual[3..<7]))
  }

  @Test func `an empty roll has no entries`() {
    let empty: RollEntries = []
    #expect(empty.isEmpty && Array(empty) == [] && empty == RollEntries())
    #expect(Array(empty.references).isEmpty)
  }

  @Test func `rolls are equal if their entries are`() {
    let pods = (0..<3).flatMap { pod in ["app", "sidecar"].map { Self.entry($0, pod: "web-\(pod)") } }
    #expect(RollEntries(pods) == RollEntries(pods))
    #expect(RollEntries(pods).hashValue == RollEntries(pods).hashValue)
    for index in pods.indices {
      for change in [Self.entry("other"), Self.entry(id: ""), Self.entry(ip: "10.1.2.4"), Self.entry(uid: "x")] {
        var changed = pods
        changed[index] = change
        #expect(RollEntries(changed) != RollEntries(pods))
      }
    }
  }
}
