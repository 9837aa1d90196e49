internal import Glibc
package import Primitives

/// A Node, reduced to the fields that are needed.
///
/// One reference to one allocation. Properties decode the packed bytes at each access.
public struct NodeRecord: Record, @unchecked Sendable {
  // Sendable: the buffer is written in `init`, before it is shared, and never again.

  struct Header {
    var name: Name
    /// 0 if the version is not a number.
    var version: UInt64
    var count: UInt32
    /// 0 if there is none.
    var kubeletPort: UInt16
    var flags: Flags
  }

  struct Flags: OptionSet {
    let rawValue: UInt8
    static let hasReady = Flags(rawValue: 1)
    static let isReady = Flags(rawValue: 2)
    /// The tail starts with the text of the version.
    static let versionIsText = Flags(rawValue: 4)
  }

  /// The header, followed by the tail that `NodeRecord+Packing.swift` describes.
  let storage: ManagedBuffer<Header, UInt8>

  /// - Parameter kubeletPort: 1 to 65535; other values mean none.
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
  /// `metadata.uid`.
  public var uid: String { readBody { $0.uid().description } }
  /// `metadata.resourceVersion`; opaque.
  public var resourceVersion: String { isVersionText ? read { $0.text() } : "\(storage.header.version)" }
  /// All labels.
  public var labels: [String: String] {
    readLists { reader in
      reader.skipPairs()
      return reader.pairs()
    }
  }
  /// Only the annotations with the decoder's prefixes.
  public var annotations: [String: String] {
    readLists { reader in
      reader.skipPairs()
      reader.skipPairs()
      return reader.pairs()
    }
  }
  /// `linux` or `windows`; empty before the kubelet has reported it.
  public var operatingSystem: String {
    readBody { reader in
      _ = reader.uid()
      return reader.text()
    }
  }
  /// In the kubelet's order.
  public var addresses: [NodeAddress] {
    readLists { reader in (0..<reader.count()).map { _ in NodeAddress(type: reader.text(), address: reader.text()) } }
  }
  /// The condition `Ready`: false also if its status is unknown, `nil` if the Node does not have it.
  public var ready: Bool? {
    storage.header.flags.contains(.hasReady) ? storage.header.flags.contains(.isReady) : nil
  }
  /// `status.daemonEndpoints.kubeletEndpoint.Port`.
  public var kubeletPort: Int? { storage.header.kubeletPort == 0 ? nil : Int(storage.header.kubeletPort) }

  /// `name` without a copy.
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

/// An address of a Node.
public struct NodeAddress: Hashable, Sendable {
  public var type: String
  /// An IP address or a host name, depending on `type`.
  public var address: String

  public init(type: String, address: String) {
    self.type = type
    self.address = address
  }
}
