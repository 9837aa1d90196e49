internal import Glibc
package import Primitives

/// What we keep of a Node.
///
/// A value of one reference, in one run of bytes: the properties make text of it when they are asked for.
public struct NodeRecord: Record, @unchecked Sendable {
  // Sendable, since the buffer is written in `init`, before anyone else can see it, and never again.

  struct Header {
    var name: Name
    /// 0 where the version is no number.
    var version: UInt64
    var count: UInt32
    /// 0 for none.
    var kubeletPort: UInt16
    var flags: Flags
  }

  struct Flags: OptionSet {
    let rawValue: UInt8
    static let hasReady = Flags(rawValue: 1)
    static let isReady = Flags(rawValue: 2)
    /// The tail begins with the version's text.
    static let versionIsText = Flags(rawValue: 4)
  }

  /// The header, and behind it in the same allocation what `NodeRecord+Packing.swift` says.
  let storage: ManagedBuffer<Header, UInt8>

  /// - Parameter kubeletPort: from 1 to 65535; others count as none.
  public init(
    name: String, uid: String = "", resourceVersion: String = "", labels: [String: String] = [:], annotations: [String: String] = [:],
    operatingSystem: String = "", addresses: [NodeAddress] = [], ready: Bool? = nil, kubeletPort: Int? = nil
  ) {
    var arena = TextArena()
    var builder = NodeRecordBuilder()
    builder.name = arena.add(name)
    builder.uid = arena.add(uid)
    builder.resourceVersion = arena.add(resourceVersion)
    builder.labels = arena.add(labels)
    builder.annotations = arena.add(annotations)
    builder.operatingSystem = arena.add(operatingSystem)
    builder.addresses = addresses.map { TextPair(key: arena.add($0.type), value: arena.add($0.address)) }
    builder.ready = ready
    builder.kubeletPort = kubeletPort.flatMap(UInt16.init(exactly:)) ?? 0
    self.init(builder, in: arena.bytes.span.bytes, names: nil)
  }
}

extension NodeRecord {
  public var key: ObjectKey { ObjectKey(name: name) }
  /// `metadata.name`.
  public var name: String { storage.header.name.description }
  /// `metadata.uid`; another Node of the same name has another.
  public var uid: String { readBody { $0.uid().description } }
  /// The version that this was read from; opaque.
  public var resourceVersion: String { isVersionText ? read { $0.text() } : "\(storage.header.version)" }
  /// All of them.
  public var labels: [String: String] {
    readLists { reader in
      reader.skipPairs()
      return reader.pairs()
    }
  }
  /// Only those with the prefixes that the decoder was asked for.
  public var annotations: [String: String] {
    readLists { reader in
      reader.skipPairs()
      reader.skipPairs()
      return reader.pairs()
    }
  }
  /// What the kubelet reports, `linux` or `windows`; empty before it has.
  public var operatingSystem: String {
    readBody { reader in
      _ = reader.uid()
      return reader.text()
    }
  }
  /// In the order in which the kubelet reports them.
  public var addresses: [NodeAddress] {
    readLists { reader in (0..<reader.count()).map { _ in NodeAddress(type: reader.text(), address: reader.text()) } }
  }
  /// The condition `Ready`: false also where its status is unknown, `nil` where the Node has no such condition.
  public var ready: Bool? {
    storage.header.flags.contains(.hasReady) ? storage.header.flags.contains(.isReady) : nil
  }
  /// Where the kubelet serves; `nil` where the Node does not say.
  public var kubeletPort: Int? { storage.header.kubeletPort == 0 ? nil : Int(storage.header.kubeletPort) }

  /// `name` as it is in memory.
  package var sharedName: Name { storage.header.name }
}

extension NodeRecord: Hashable {
  public static func == (left: NodeRecord, right: NodeRecord) -> Bool {
    if left.storage === right.storage { return true }
    return left.storage.withUnsafeMutablePointers { leftHeader, leftTail in
      right.storage.withUnsafeMutablePointers { rightHeader, rightTail in
        let (left, right) = (leftHeader.pointee, rightHeader.pointee)
        return left.version == right.version && left.count == right.count && left.kubeletPort == right.kubeletPort
          && left.flags == right.flags && memcmp(leftTail, rightTail, Int(left.count)) == 0 && left.name == right.name
      }
    }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(storage.header.name)
    hasher.combine(storage.header.version)
  }
}

extension NodeRecord: CustomStringConvertible {
  public var description: String {
    "NodeRecord(\(name), uid: \(uid), version: \(resourceVersion), ready: \(ready.map { "\($0)" } ?? "unsaid"), "
      + "system: \(operatingSystem), addresses: \(addresses), kubelet port: \(kubeletPort ?? 0), labels: \(labels), "
      + "annotations: \(annotations))"
  }
}

/// One of a Node's addresses.
public struct NodeAddress: Hashable, Sendable {
  /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
  public var type: String
  /// The address or the name itself.
  public var address: String

  public init(type: String, address: String) {
    self.type = type
    self.address = address
  }
}
