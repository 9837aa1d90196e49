import Testing

@testable import Primitives

struct IdentifierTests {
  @Test(arguments: [
    ("0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6f", true), ("00000000-0000-0000-0000-000000000000", true),
    ("ffffffff-ffff-ffff-ffff-ffffffffffff", true), ("", false), ("0B7E7A5C-6d5e-4b4e-9d5f-1a2b3c4d5e6f", false),
    ("0b7e7a5c06d5e-4b4e-9d5f-1a2b3c4d5e6f", false), ("0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6", false),
    ("3f9c2a1b7d6e5f4a3b2c1d0e9f8a7b6c", false), ("mirror-of-web-0", false), ("g0000000-0000-0000-0000-000000000000", false),
  ])
  func `a UID keeps its text`(_ text: String, _ isBinary: Bool) {
    let uid = UID(text)
    #expect(uid.description == text)
    if case .text = uid { #expect(!isBinary) } else { #expect(isBinary) }
    #expect(uid == UID(text))
    #expect(uid != UID(text + "x"))
  }

  @Test
  func `only lower-case hexadecimal digits are accepted`() {
    let digits = Array("0123456789abcdef".utf8)
    for position in 0..<16 {
      for byte in UInt8.min ... .max {
        var text = digits
        text[position] = byte
        let expected = byte < 0x80 ? UInt64(String(decoding: text, as: UTF8.self), radix: 16) : nil
        let isUpperCase = (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
        let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
        #expect(text.withUnsafeBytes { hexadecimal($0, at: 0) } == (isUpperCase || isSign ? nil : expected), "\(position): \(byte)")
      }
    }
    #expect(Array("x0fffx".utf8).withUnsafeBytes { hexadecimal($0, at: 1, digits: 4) } == 0xfff)
    #expect(Array("0123456789ab".utf8).withUnsafeBytes { hexadecimal($0, at: 0, digits: 12) } == 0x0123_4567_89ab)
  }

  static let digits = "0123456789abcdef00000000000000008899aabbccddeeff7766554433221100"

  @Test(
    arguments: [
      ("containerd://\(digits)", ContainerStatusID.Runtime.containerd, digits), ("docker://\(digits)", .docker, digits),
      ("cri-o://\(digits)", .crio, digits), (digits, .unnamed, digits), ("", nil, ""), ("containerd://abc", nil, "abc"),
      ("docker://0123456789ab", nil, "0123456789ab"), ("docker-pullable://nginx@sha256:\(digits)", nil, "nginx@sha256:\(digits)"),
      ("containerd://\(digits.uppercased())", nil, digits.uppercased()), ("containerd://\(digits)0", nil, "\(digits)0"), ("://", nil, ""),
      ("aci://6b0d:1", nil, "6b0d:1"), ("a:b", nil, "a:b"),
    ] as [(String, ContainerStatusID.Runtime?, String)])
  func `the ID of a container status keeps its text, and is bare without its runtime`(
    _ text: String, _ runtime: ContainerStatusID.Runtime?, _ bare: String
  ) {
    let id = ContainerStatusID(text)
    #expect(id.description == text)
    #expect(id.runtime == runtime)
    #expect((id.id == nil) == (runtime == nil))
    #expect(id.isEmpty == text.isEmpty)
    #expect(id.bare == ContainerStatusID(bare))
    #expect(id.bare.description == bare)
  }

  @Test(arguments: ["", "abc", String(repeating: "g", count: 64), String(repeating: "A", count: 64), String(repeating: "0", count: 63)])
  func `only 64 lower-case digits are a container ID`(text: String) {
    #expect(ContainerID(text) == nil)
  }

  @Test func `a container ID has its digits as text, and the first twelve as short text`() throws {
    let id = try #require(ContainerID(Self.digits))
    #expect(id.description == Self.digits)
    #expect(id.short == "0123456789ab")
  }

  @Test func `container IDs sort like their text`() throws {
    let texts = ["9", "a", "1", "ff", "0c"].map { $0 + String(repeating: "0", count: 64 - $0.count) }
    #expect(texts.compactMap { ContainerID($0) }.sorted().map(\.description) == texts.sorted())
  }

  @Test(arguments: [
    ("10.1.0.9", true), ("0.0.0.0", true), ("255.255.255.255", true), ("fd00::9", true), ("::", true), ("::1", true),
    ("2001:db8:1:2:3:4:5:6", true), ("", false), ("10.1.0", false), ("10.1.0.256", false), ("10.1.0.09", false), ("10.1.0.9.1", false),
    ("10..0.9", false), ("fe80::1%eth0", false), ("FD00::9", false), ("fd00:0::9", false), ("::g", false), ("localhost", false),
    ("4294967296.0.0.1", false),
  ])
  func `an address of a Pod keeps its text`(_ text: String, _ isBinary: Bool) {
    let address = PodIP(text)
    #expect(address.description == text)
    if case .text = address { #expect(!isBinary) } else { #expect(isBinary) }
  }
}

struct NameTests {
  @Test func `names are equal if their bytes are`() {
    #expect(Name("shop") == Name("shop"))
    #expect(Name("shop") != Name("shops"))
    #expect(Name("") == "")
    #expect(Name("a") < Name("b"))
    #expect(Name("é").description == "é")
    #expect(Set([Name("a"), Name("b"), Name("a")]).count == 2)
  }

  @Test func `bytes that are not UTF-8 are kept, and shown with replacement characters`() {
    let name = ([0xff, 0x61] as [UInt8]).withUnsafeBytes { Name(bytes: $0) }
    #expect(name.description == "\u{fffd}a")
    #expect(name != Name("\u{fffd}a"))
  }

  @Test
  func `R63: unused names are dropped, and names in use stay shared`() {
    let table = NameTable()
    let used = (0..<100).map { table.name("used-\($0)") }
    for index in 0..<100_000 { _ = table.name("gone-\(index)") }
    #expect(table.count <= 2 * NameTable.minimumSize)
    for (index, name) in used.enumerated() { #expect(table.name("used-\(index)") == name) }
    #expect(table.count <= 2 * NameTable.minimumSize)
  }

  @Test
  func `the table grows with the names in use`() {
    let table = NameTable()
    let used = (0..<20_000).map { table.name("\($0)") }
    #expect(table.count == 20_000)
    #expect(used.enumerated().allSatisfy { $1.description == "\($0)" })
    #expect(used.indices.allSatisfy { table.name("\($0)").isSameInMemory(as: used[$0]) })
  }
}

struct PodIdentityTests {
  let identity = PodIdentity(namespace: "shop", name: "web-0", uid: "0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6f")

  @Test func `an identity returns its parts`() {
    #expect(identity.namespace == "shop")
    #expect(identity.name == "web-0")
    #expect(identity.uid == UID("0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6f"))
  }

  @Test(arguments: ["", "u", "mirror-of-web-0", String(repeating: "u", count: 300)])
  func `UIDs of any form and names of any length are returned unchanged`(_ uid: String) {
    for name in ["", "n", String(repeating: "n", count: 300)] {
      let identity = PodIdentity(namespace: "shop", name: name, uid: uid)
      #expect(identity.name == name)
      #expect(identity.uid == UID(uid))
      #expect(identity == PodIdentity(namespace: "shop", name: name, uid: uid))
    }
  }

  @Test
  func `longer texts than an API server sends are truncated`() {
    let identity = PodIdentity(namespace: "", name: String(repeating: "n", count: 100_000), uid: String(repeating: "u", count: 100_000))
    #expect(identity.name.count == 65_534)
    #expect(identity.uid.description.count == 65_534)
  }

  @Test func `identities are equal if all three parts are`() {
    #expect(identity == PodIdentity(namespace: "shop", name: "web-0", uid: "0b7e7a5c-6d5e-4b4e-9d5f-1a2b3c4d5e6f"))
    let successor = PodIdentity(namespace: "shop", name: "web-0", uid: "other")
    #expect(identity != successor)
    #expect(identity.isNamed(as: successor))
    #expect(!identity.isNamed(as: PodIdentity(namespace: "shop2", name: "web-0", uid: "other")))
  }

  @Test func `identities are sorted by namespace, name and UID`() {
    let ordered = [("a", "b", "1"), ("a", "b", "2"), ("a", "c", "0"), ("b", "a", "0")].map(PodIdentity.init)
    #expect(ordered.shuffled().sorted() == ordered)
  }
}

extension NameTable {
  fileprivate func name(_ text: String) -> Name {
    var text = text
    return text.withUTF8 { name(UnsafeRawBufferPointer($0)) }
  }
}
