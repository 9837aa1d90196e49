public import JSON
internal import Primitives

/// A Service, reduced to what decides which scrapers discover it.
///
/// One reference. Properties decode the packed bytes at each access.
public struct ServiceRecord: Record, Hashable {
  /// A port that the Service declares.
  public struct Port: Hashable, Sendable {
    public enum Target: Hashable, Sendable {
      case number(UInt16)
      /// The name of a port that a container declares.
      case name(String)
    }

    /// Empty for an unnamed port.
    public var name: String
    public var number: UInt16
    /// Equal to `number` unless the Service says otherwise.
    public var target: Target

    public init(name: String = "", number: UInt16, target: Target? = nil) {
      self.name = name
      self.number = number
      self.target = target ?? .number(number)
    }
  }

  /// The form that `ServiceRecord+Wire.swift` describes.
  let storage: Name
}

extension ServiceRecord {
  public var key: ObjectKey {
    read { reader in
      _ = reader.textBytes()
      return ObjectKey(namespace: reader.text(), name: reader.text())
    }
  }
  /// `metadata.resourceVersion`; opaque.
  public var resourceVersion: String { read { $0.text() } }
  /// All labels.
  public var labels: [String: String] { packedLabels.dictionary }
  /// The selector of its Pods; empty for a Service whose endpoints are made by someone else.
  public var selector: [String: String] {
    readBody { reader in
      reader.skipPairs()
      return reader.pairs()
    }
  }
  /// The annotations that start with `ScrapeFacts.annotationPrefix`.
  public var annotations: [String: String] {
    readBody { reader in
      for _ in 0..<2 { reader.skipPairs() }
      return reader.pairs()
    }
  }
  public var ports: [Port] {
    readBody { reader in
      for _ in 0..<3 { reader.skipPairs() }
      return (0..<reader.count()).map { _ in
        let (name, number) = (reader.text(), UInt16(reader.count()))
        let target = reader.text()
        return Port(name: name, number: number, target: target.isEmpty ? .number(UInt16(reader.count())) : .name(target))
      }
    }
  }
  /// Whether it is of type ExternalName, and therefore has no endpoints.
  public var isExternalName: Bool { flags.contains(.isExternalName) }
  /// Whether terminating Pods remain in its Endpoints.
  public var publishesNotReadyAddresses: Bool { flags.contains(.publishesNotReadyAddresses) }
  /// Whether the first of its IP families is IPv6.
  public var isIPv6First: Bool { flags.contains(.isIPv6First) }

  /// `labels` without decoding them.
  package var packedLabels: PackedLabels { PackedLabels(storage, at: readBody { $0.offset }) }
}

// The packed form, in this order: the text of the version; namespace; name; a byte of flags; labels; selector; annotations; the ports, each
// with its name, its number, and the name of its target, or an empty text and the target's number.

extension ServiceRecord {
  struct Flags: OptionSet {
    let rawValue: UInt8
    static let isExternalName = Flags(rawValue: 1)
    static let publishesNotReadyAddresses = Flags(rawValue: 2)
    static let isIPv6First = Flags(rawValue: 4)
  }

  private var flags: Flags {
    read { reader in
      for _ in 0..<3 { _ = reader.textBytes() }
      return Flags(rawValue: reader.byte())
    }
  }

  private func read<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    storage.withBytes { bytes in
      var reader = PackedReader(bytes)
      return body(&reader)
    }
  }

  /// Calls `body` with a reader at the labels.
  private func readBody<Result>(_ body: (inout PackedReader) -> Result) -> Result {
    read { reader in
      for _ in 0..<3 { _ = reader.textBytes() }
      _ = reader.byte()
      return body(&reader)
    }
  }

  init(_ builder: ServiceRecordBuilder, in bytes: RawSpan) {
    var writer = PackedWriter()
    for text in [builder.resourceVersion, builder.namespace, builder.name] { writer.append(text: text, of: bytes) }
    writer.append(byte: builder.flags.rawValue)
    writer.append(pairs: builder.labels, of: bytes)
    writer.append(pairs: builder.selector, of: bytes)
    writer.append(pairs: builder.annotations, of: bytes)
    writer.append(count: builder.ports.count)
    for port in builder.ports {
      writer.append(text: port.name, of: bytes)
      writer.append(count: Int(port.number))
      writer.append(text: port.targetName, of: bytes)
      // The API server fills in the number of a port without a target.
      if port.targetName.isEmpty { writer.append(count: Int(port.targetNumber == 0 ? port.number : port.targetNumber)) }
    }
    storage = writer.bytes.withUnsafeBytes { Name(bytes: $0) }
  }

  /// Reads a Service in JSON. Missing fields have the defaults of the API.
  public init(_ object: JSONValue) {
    var arena = TextArena()
    let builder = ServiceRecordBuilder(object, in: &arena)
    self.init(builder, in: arena.bytes.span.bytes)
  }
}

extension ServiceRecord: CustomStringConvertible {
  public var description: String {
    "ServiceRecord(\(key), version: \(resourceVersion), labels: \(labels), selector: \(selector), ports: \(ports), "
      + "annotations: \(annotations)\(isExternalName ? ", external name" : "")\(isIPv6First ? ", IPv6 first" : ""))"
  }
}
