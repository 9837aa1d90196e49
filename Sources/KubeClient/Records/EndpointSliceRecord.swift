public import JSON
package import Primitives

/// An EndpointSlice, reduced to which Pods it has, with which addresses and ports: about 13 bytes for each IPv4 address.
///
/// One reference. It keeps a hash of each Pod's name instead of the name, because a reader always asks for a Pod that it knows.
public struct EndpointSliceRecord: Record, Hashable {
  public enum AddressType: UInt8, Hashable, Sendable {
    case ipv4, ipv6
    /// Host names. Such a slice has no addresses here, because service discovery makes no targets of them.
    case fqdn
  }

  /// Who made the slice, from the label `endpointslice.kubernetes.io/managed-by`.
  public enum Manager: UInt8, Hashable, Sendable {
    /// The controller for Services with a selector, which writes Endpoints, too.
    case controller
    /// The mirror of an Endpoints object.
    case mirror
    /// Anyone else: no Endpoints object has the same addresses.
    case other
  }

  /// A port of all endpoints of the slice.
  public struct Port: Hashable, Sendable {
    /// Empty for an unnamed port.
    public var name: String
    /// 0 for all ports.
    public var number: UInt16

    public init(name: String = "", number: UInt16) {
      self.name = name
      self.number = number
    }
  }

  /// An address of a Pod.
  struct Endpoint {
    var pod: UInt64
    var isTerminating: Bool
    var address: IPAddress
  }

  /// The form that is described below.
  let storage: Name
}

extension EndpointSliceRecord {
  public var key: ObjectKey {
    read { reader in
      _ = reader.textBytes()
      return ObjectKey(namespace: reader.text(), name: reader.text())
    }
  }
  /// `metadata.resourceVersion`; opaque.
  public var resourceVersion: String { read { $0.text() } }
  /// The name of its Service; empty for a slice without one.
  public var service: String {
    read { reader in
      for _ in 0..<3 { _ = reader.textBytes() }
      return reader.text()
    }
  }
  public var addressType: AddressType { readBody { AddressType(rawValue: $0.byte()) ?? .fqdn } }
  public var manager: Manager {
    readBody { reader in
      _ = reader.byte()
      return Manager(rawValue: reader.byte()) ?? .other
    }
  }
  /// Empty for a slice of the controller, which copies the labels of the Service.
  public var labels: [String: String] { packedLabels.dictionary }
  public var ports: [Port] {
    readPorts { reader in (0..<reader.count()).map { _ in Port(name: reader.text(), number: UInt16(reader.count())) } }
  }
  /// The number of addresses of Pods.
  public var addressCount: Int { readEndpoints { $1 } }

  /// `labels` without decoding them.
  package var packedLabels: PackedLabels {
    PackedLabels(
      storage,
      at: readBody { reader in
        _ = reader.byte()
        _ = reader.byte()
        return reader.offset
      })
  }

  /// The addresses of a Pod; empty if the slice does not have it.
  package func endpoints(of pod: PodIdentity) -> [(address: IPAddress, isTerminating: Bool)] {
    let hash = Self.hash(of: pod)
    return readEndpoints { reader, count in
      let addresses = addressType
      let start = reader.offset
      let width = addresses.endpointWidth
      return storage.withBytes { bytes in
        func pod(at index: Int) -> UInt64 {
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + index * width, as: UInt64.self))
        }
        var (low, high) = (0, count)
        while low < high {
          let middle = (low + high) / 2
          if pod(at: middle) < hash { low = middle + 1 } else { high = middle }
        }
        var found: [(address: IPAddress, isTerminating: Bool)] = []
        while low < count, pod(at: low) == hash {
          var reader = PackedReader(bytes, at: start + low * width + 8)
          let isTerminating = reader.byte() != 0
          found.append(
            (addresses == .ipv4 ? IPAddress(v4: reader.halfWord()) : IPAddress(v6: (reader.word(), reader.word())), isTerminating))
          low += 1
        }
        return found
      }
    }
  }

  /// Two Pods of a cluster have the same hash with a probability of one in a billion for 150,000 Pods. A slice has Pods of one namespace.
  private static func hash(of pod: PodIdentity) -> UInt64 {
    let namespace = pod.namespace.withBytes { fnv1a($0) }
    return pod.withNameBytes { fnv1a($0, after: fnv1a(CollectionOfOne(UInt8(ascii: "/")), after: namespace)) }
  }

  static func hash(namespace: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer) -> UInt64 {
    fnv1a(name, after: fnv1a(CollectionOfOne(UInt8(ascii: "/")), after: fnv1a(namespace)))
  }
}

// The packed form, in this order: the text of the version; namespace; name; name of the Service; a byte for the address type and one for
// the manager; labels; the ports, each with name and number; the count of the addresses, and then, sorted by the hash, for each the hash of
// the Pod in eight bytes, a byte for whether it is terminating, and the address.

extension EndpointSliceRecord.AddressType {
  fileprivate var endpointWidth: Int { self == .ipv4 ? 13 : 25 }

  init(_ text: String) {
    switch text {
    case "IPv4": self = .ipv4
    case "IPv6": self = .ipv6
    default: self = .fqdn
    }
  }
}

extension EndpointSliceRecord.Manager {
  static let label = "endpointslice.kubernetes.io/managed-by"

  init(_ text: String) {
    switch text {
    case "endpointslice-controller.k8s.io": self = .controller
    case "endpointslicemirroring-controller.k8s.io": self = .mirror
    default: self = .other
    }
  }
}

extension EndpointSliceRecord {
  private func read<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    storage.withBytes { bytes in
      var reader = PackedReader(bytes)
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the address type.
  private func readBody<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    read { reader in
      for _ in 0..<4 { _ = reader.textBytes() }
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the ports.
  private func readPorts<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    readBody { reader in
      _ = reader.byte()
      _ = reader.byte()
      reader.skipPairs()
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the first address, and the number of addresses.
  private func readEndpoints<Result>(_ body: (inout PackedReader, Int) -> Result) -> Result {
    readPorts { reader in
      for _ in 0..<reader.count() {
        _ = reader.textBytes()
        _ = reader.count()
      }
      let count = reader.count()
      return body(&reader, count)
    }
  }

  init(_ builder: EndpointSliceRecordBuilder, in bytes: RawSpan) {
    var writer = PackedWriter()
    for text in [builder.resourceVersion, builder.namespace, builder.name, builder.service] { writer.append(text: text, of: bytes) }
    writer.append(byte: builder.addressType.rawValue)
    writer.append(byte: builder.manager.rawValue)
    writer.append(pairs: builder.manager == .controller ? [] : builder.labels, of: bytes)
    writer.append(count: builder.ports.count)
    for port in builder.ports {
      writer.append(text: port.name, of: bytes)
      writer.append(count: Int(port.number))
    }
    let endpoints = builder.endpoints(in: bytes).sorted { $0.pod < $1.pod }
    writer.append(count: endpoints.count)
    for endpoint in endpoints {
      writer.append(word: endpoint.pod)
      writer.append(byte: endpoint.isTerminating ? 1 : 0)
      if let number = endpoint.address.v4 {
        writer.append(halfWord: number)
      } else if let number = endpoint.address.v6 {
        writer.append(word: number.high)
        writer.append(word: number.low)
      }
    }
    storage = writer.bytes.withUnsafeBytes { Name(bytes: $0) }
  }

  /// Reads an EndpointSlice in JSON.
  public init(_ object: JSONValue) {
    var arena = TextArena()
    let builder = EndpointSliceRecordBuilder(object, in: &arena)
    self.init(builder, in: arena.bytes.span.bytes)
  }
}

extension EndpointSliceRecord: CustomStringConvertible {
  public var description: String {
    "EndpointSliceRecord(\(key), version: \(resourceVersion), service: \(service), \(addressType), by: \(manager), labels: \(labels), "
      + "ports: \(ports), addresses: \(addressCount))"
  }
}
