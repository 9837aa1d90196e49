import Exposition
import Gzip
import GzipZlib
import JSON
import YAML

@testable import KubeClient

/// The parsers of input from other programs and from files: a server, a proxy, a kubeconfig. On arbitrary bytes each one returns a value or
/// throws an error, never crashes, and keeps the invariant that its function below checks.
///
/// `hack/fuzz` runs a target under libFuzzer, `FuzzTests` mutates the seeds in `Corpus/` as part of the test suite.
enum FuzzTarget: String, CaseIterable, Sendable {
  case watchFraming = "watch-framing"
  case protobuf
  case recordJSON = "record-json"
  case json
  case kubeconfig
  case refusal
  case execCredential = "exec-credential"
  case exposition
  case kernelFiles = "kernel-files"
  case sockets
  case gzip

  /// Runs the parser on the input.
  /// - Returns: the invariant that is broken; `nil` if none is, whether the parser accepts the input or not.
  func problem(with input: [UInt8]) -> String? {
    switch self {
    case .watchFraming: framing(input)
    case .protobuf: records(input, "application/vnd.kubernetes.protobuf", .protobuf)
    case .recordJSON: records(input, "application/json", .json)
    case .json: json(input)
    case .kubeconfig: clusterConfiguration(input)
    case .refusal: refusal(input)
    case .execCredential: credential(input)
    case .exposition: exposition(input)
    case .kernelFiles: kernelFiles(input)
    case .sockets: sockets(input)
    case .gzip: gzip(input)
    }
  }
}

extension FuzzTarget {
  /// The events do not depend on how the stream is split. The first two bytes choose the format and the size of the pieces.
  private func framing(_ input: [UInt8]) -> String? {
    guard input.count > 2 else { return nil }
    let format: WireFormat = input[0] & 1 == 0 ? .json : .protobuf
    let whole = events(input.dropFirst(2), format, piece: input.count)
    let pieces = events(input.dropFirst(2), format, piece: Int(input[1] % 32) + 1)
    return whole.0 == pieces.0 && whole.1 == pieces.1 ? nil : "the events depend on how the stream is split"
  }

  private func events(_ stream: ArraySlice<UInt8>, _ format: WireFormat, piece: Int) -> (events: [[UInt8]], failed: Bool) {
    var framing = WatchFraming(format, limit: 512)
    var events: [[UInt8]] = []
    var rest = stream
    while !rest.isEmpty {
      framing.discardConsumed()
      framing.buffer += rest.prefix(piece)
      rest = rest.dropFirst(piece)
      do throws(FramingError) {
        while let event = try framing.next() { events.append(Array(framing.buffer[event])) }
      } catch {
        return (events, true)
      }
    }
    return (events, false)
  }

  /// The two low bits of the first byte choose what the rest is read as, the others the size of the pieces of a list.
  private func records(_ input: [UInt8], _ contentType: String, _ format: WireFormat) -> String? {
    guard let choice = input.first else { return nil }
    let body = Array(input.dropFirst())
    switch choice & 3 {
    case 0: return page(body, contentType, Self.nodes, piece: Int(choice >> 2) + 1)
    case 1: return page(body, contentType, Self.pods, piece: Int(choice >> 2) + 1)
    case 2: _ = try? Self.nodes.event(0..<body.count, of: body, format: format, known: StoreSnapshot())
    default: _ = try? Self.pods.event(0..<body.count, of: body, format: format, known: StoreSnapshot())
    }
    return nil
  }

  /// The page of a list does not depend on how the response is split.
  private func page<Value: Record>(_ body: [UInt8], _ contentType: String, _ decoder: RecordDecoder<Value>, piece: Int) -> String? {
    let whole = try? decoder.page(body, contentType: contentType)
    var reader = ListReader(decoder, contentType: contentType, limit: .max)
    var page: RecordPage<Value>?
    do throws(RecordError) {
      for start in stride(from: 0, to: body.count, by: piece) { try reader.append(Array(body[start..<min(start + piece, body.count)])) }
      page = try reader.finish()
    } catch {
      page = nil
    }
    return whole == page ? nil : "the page depends on how the response is split"
  }

  /// A parsed value survives a round trip.
  private func json(_ input: [UInt8]) -> String? {
    guard let value = try? JSONValue(parsing: input) else { return nil }
    guard let again = try? JSONValue(parsing: value.bytes) else { return "the written value cannot be parsed" }
    return again.bytes == value.bytes ? nil : "the written value parses as another one"
  }

  /// Every error has a message.
  private func clusterConfiguration(_ input: [UInt8]) -> String? {
    for document in (try? YAMLNode.documents(parsing: input, file: "config")) ?? [] { _ = document.jsonValue.bytes }
    var config = Kubeconfig()
    do throws(ConfigurationError) {
      try config.merge(input, of: "/nowhere/config")
      _ = try config.resolve(context: nil)
    } catch {
      return error.description.isEmpty ? "an error without a message" : nil
    }
    return nil
  }

  /// A delay is never negative. The first line of the input is the Retry-After header, the rest the body.
  private func refusal(_ input: [UInt8]) -> String? {
    let header = input.prefix { $0 != UInt8(ascii: "\n") }
    let status = APIStatus(
      httpStatus: 429, retryAfter: String(decoding: header, as: UTF8.self), body: Array(input.dropFirst(header.count + 1)))
    guard let delay = status.retryAfter else { return nil }
    return delay < .zero ? "a delay of \(delay)" : nil
  }

  /// A credential has a token or a certificate.
  private func credential(_ input: [UInt8]) -> String? {
    guard let credential = try? PluginCredential(parsing: input, version: .v1) else { return nil }
    return credential.token == nil && credential.certificate == nil ? "a credential with neither token nor certificate" : nil
  }

  /// Names and labels have no more text than the body: a range that is read twice stays within a small multiple of it. What is written of a
  /// body can be read again.
  private func exposition(_ input: [UInt8]) -> String? {
    for format in [ExpositionFormat.text, .openMetrics] {
      var parser = ExpositionParser(rejectsDuplicates: true)
      var counter = TextCounter()
      try? parser.parse(whole: input, format, &counter)
      // Escaping the backslash of an unknown escape sequence doubles it.
      guard counter.bytes <= 8 * input.count else { return "more text than the body has" }
      guard let written = rewritten(input, format) else { continue }
      if rewritten(written, .text) != written { return "the written exposition is not read as it was written" }
    }
    return nil
  }

  private func rewritten(_ body: [UInt8], _ format: ExpositionFormat) -> [UInt8]? {
    var rewriter = ExpositionRewriter(KeepingRule())
    var output: [UInt8] = []
    rewriter.begin(format)
    do throws(ExpositionError) {
      try body.span.withUnsafeBytes { bytes throws(ExpositionError) in try rewriter.rewrite(bytes, into: &output) }
      try rewriter.finish(into: &output)
    } catch {
      return nil
    }
    return output
  }

  private static let nodes = RecordDecoder<NodeRecord>.nodes(annotationPrefixes: ["rollcall.dev/"])
  private static let pods = RecordDecoder<PodRecord>.pods(annotationPrefixes: ["rollcall.dev/"])
}

/// Keeps everything as it is.
private struct KeepingRule: LabelRule {
  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .keep(0) }
  func rewrite(_ labels: inout LabelBuilder, treatment: UInt8) {}
}

/// Counts the bytes of names, values and distinct label sets in a body.
private struct TextCounter: ExpositionVisitor {
  var bytes = 0

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .keep(0) }

  mutating func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8) {
    for label in 0..<labels.count { bytes += labels.nameBytes(at: label).count + labels.valueBytes(at: label).count }
  }

  func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {}

  func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {}

  mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    bytes += name.count + value.count
  }
}
