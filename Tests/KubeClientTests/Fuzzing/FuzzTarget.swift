import Exposition
import JSON
import YAML

@testable import KubeClient

/// What reads the words of strangers: a server, a proxy, a file. Each is given bytes that mean nothing and has to end, without a crash, in
/// a value or an error, and to keep a promise that is looked at here.
enum FuzzTarget: String, CaseIterable, Sendable {
  case watchFraming = "watch-framing"
  case protobuf
  case recordJSON = "record-json"
  case json
  case kubeconfig
  case refusal
  case execCredential = "exec-credential"
  case exposition

  /// Inputs to begin with.
  var samples: [[UInt8]] {
    switch self {
    case .watchFraming:
      [
        [0, 3] + Samples.eventJSON("ADDED", Samples.nodeJSON).utf8 + "\n\n{}\n".utf8,
        [1, 7] + ProtobufEncoder.frame("ADDED", kind: "Node", Samples.node) + [0, 0, 0, 0] + [0, 0, 0, 2, 1, 1],
      ]
    case .protobuf:
      [
        [0] + Samples.list(kind: "NodeList", [Samples.node], version: "5"),
        [1] + Samples.list(kind: "PodList", [Samples.pod], version: "5", token: "more"),
        [29] + Samples.list(kind: "PodList", [Samples.pod, [], Samples.pod], version: "6"),
        [2] + ProtobufEncoder.frame("MODIFIED", kind: "Node", Samples.node).dropFirst(4),
        [3] + ProtobufEncoder.frame("DELETED", kind: "Pod", Samples.pod).dropFirst(4),
      ]
    case .recordJSON:
      [
        [0] + #"{"kind":"NodeList","metadata":{"resourceVersion":"5"},"items":[\#(Samples.nodeJSON)]}"#.utf8,
        [1] + #"{"kind":"PodList","metadata":{"resourceVersion":"5","continue":"m"},"items":[\#(Samples.podJSON)]}"#.utf8,
        [2] + Samples.eventJSON("ADDED", Samples.nodeJSON).utf8,
        [3] + Samples.eventJSON("ERROR", Samples.statusJSON(410, "Expired")).utf8,
      ]
    case .json:
      [Array(Samples.podJSON.utf8), Array(#"[1,-2.5e3,9223372036854775808,"\u00e9\ud83d\ude00\n",true,null,{"":{}}]"#.utf8)]
    case .kubeconfig:
      [
        Array(Self.configuration.utf8), Array("a: &a [1, 0x1F, .inf, ~]\nb: *a\nc: |\n  x\n? d\n: 'e'\n".utf8),
        Array("--- !!map {a: !!str 1, <<: {b: yes}}\n...\n".utf8),
      ]
    case .refusal:
      ["120", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"].map {
        Array(($0 + "\n" + Samples.statusJSON(429, "TooManyRequests", details: #"{"retryAfterSeconds":5}"#)).utf8)
      }
    case .execCredential:
      [
        Array(
          (#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":"#
            + #"{"token":"t","expirationTimestamp":"2026-03-01T12:00:00.5+01:00"}}"#).utf8)
      ]
    case .exposition:
      [
        Array(
          #"""
          # HELP a b\n
          # TYPE a counter
          a{b="c\"\\\n",d="é"} 1.5e3 1700000000000
          a 0x1p3
          b NaN
          c{} +Inf # {t="1"} 1
          # EOF

          """#.utf8)
      ]
    }
  }

  /// Gives it the input.
  /// - Returns: the promise that was broken; `nil` where all is well, errors included.
  func problem(with input: [UInt8]) -> String? {
    switch self {
    case .watchFraming: framing(input)
    case .protobuf: records(input, "application/vnd.kubernetes.protobuf", .protobuf)
    case .recordJSON: records(input, "application/json", .json)
    case .json: json(input)
    case .kubeconfig: clusterConfiguration(input)
    case .refusal: refusal(input)
    case .execCredential: credential(input)
    case .exposition: page(input)
    }
  }
}

extension FuzzTarget {
  /// However the stream is cut, the same events come of it.
  private func framing(_ input: [UInt8]) -> String? {
    guard input.count > 2 else { return nil }
    let format: WireFormat = input[0] & 1 == 0 ? .json : .protobuf
    let whole = events(input.dropFirst(2), format, piece: input.count)
    let pieces = events(input.dropFirst(2), format, piece: Int(input[1] % 32) + 1)
    return whole.0 == pieces.0 && whole.1 == pieces.1 ? nil : "the events depend on how the stream is cut"
  }

  private func events(_ stream: ArraySlice<UInt8>, _ format: WireFormat, piece: Int) -> (events: [[UInt8]], failed: Bool) {
    var framing = WatchFraming(format, limit: 512)
    var events: [[UInt8]] = []
    var rest = stream
    while !rest.isEmpty {
      framing.append(Array(rest.prefix(piece)))
      rest = rest.dropFirst(piece)
      do throws(FramingError) {
        while let event = try framing.next() { events.append(Array(framing.buffer[event])) }
      } catch {
        return (events, true)
      }
    }
    return (events, false)
  }

  private func records(_ input: [UInt8], _ contentType: String, _ format: WireFormat) -> String? {
    guard let choice = input.first else { return nil }
    let body = Array(input.dropFirst())
    switch choice & 3 {
    case 0: return page(body, contentType, Samples.nodes, piece: Int(choice >> 2) + 1)
    case 1: return page(body, contentType, Samples.pods, piece: Int(choice >> 2) + 1)
    case 2: _ = try? Samples.nodes.event(0..<body.count, of: body, format: format, known: StoreSnapshot())
    default: _ = try? Samples.pods.event(0..<body.count, of: body, format: format, known: StoreSnapshot())
    }
    return nil
  }

  /// However an answer to a list is cut, the same page comes of it.
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
    return whole == page ? nil : "the page depends on how the answer is cut"
  }

  /// What was read, written, and read again is the same.
  private func json(_ input: [UInt8]) -> String? {
    guard let value = try? JSONValue(parsing: input) else { return nil }
    guard let again = try? JSONValue(parsing: value.bytes) else { return "what was written cannot be read" }
    return again.bytes == value.bytes ? nil : "what was written reads as something else"
  }

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

  /// A delay is never negative.
  private func refusal(_ input: [UInt8]) -> String? {
    let header = input.prefix { $0 != UInt8(ascii: "\n") }
    let status = APIStatus(
      httpStatus: 429, retryAfter: String(decoding: header, as: UTF8.self), body: Array(input.dropFirst(header.count + 1)))
    guard let delay = status.retryAfter else { return nil }
    return delay < .zero ? "a delay of \(delay)" : nil
  }

  private func credential(_ input: [UInt8]) -> String? {
    guard let credential = try? PluginCredential(parsing: input, version: .v1) else { return nil }
    return credential.token == nil && credential.certificate == nil ? "a credential without one" : nil
  }

  private func page(_ input: [UInt8]) -> String? {
    var characters = 0
    try? scanExposition(input, refusesDuplicates: true) { sample, page in
      characters += sample.nameText(in: page).utf8.count
      for label in sample.labels { characters += label.text(in: page).utf8.count }
    }
    return characters <= 4 * input.count ? nil : "more text than the page has"
  }

  private static let configuration = """
    kind: Config
    current-context: main
    clusters:
    - name: c
      cluster: {server: "https://h:1", tls-server-name: n, proxy-url: "socks5://p:1", extensions: [{name: x, extension: {a: 1}}]}
    users:
    - name: u
      user:
        exec: {command: ./x, args: [a], env: [{name: A, value: B}], apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}
        as: jane
        as-user-extra: {a: [b]}
        client-certificate-data: LS0tLS1CRUdJTiA=
        client-key-data: LS0tLS1CRUdJTiA=
    contexts:
    - name: main
      context: {cluster: c, user: u, namespace: n}
    """
}
