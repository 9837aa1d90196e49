import Testing

@testable import KubeClient

@Suite struct ListReaderTests {
  static let pods = (0..<5).map { number in
    ProtobufEncoder {
      $0.message(1) {
        $0.string(1, "p\(number)")
        $0.string(3, "n")
        $0.string(6, "\(number)")
      }
      $0.message(2) { $0.string(10, String(repeating: "x", count: number * 50)) }
    }.bytes
  }
  static let list = Samples.list(kind: "PodList", pods, version: "7", token: "more")

  private func read(
    _ pieces: [ArraySlice<UInt8>], contentType: String = MediaType.protobuf, limit: Int = 1 << 20
  ) throws(RecordError) -> RecordPage<PodRecord> {
    var reader = ListReader(.pods(), contentType: contentType, limit: limit)
    for piece in pieces { try reader.append(Array(piece)) }
    return try reader.finish()
  }

  @Test
  func `a list may be split anywhere`() throws {
    let whole = try read([Self.list[...]])
    #expect(whole.records.map(\.name) == ["p0", "p1", "p2", "p3", "p4"])
    #expect(whole.resourceVersion == "7")
    #expect(whole.continueToken == "more")
    for position in Self.list.indices {
      #expect(try read([Self.list[..<position], Self.list[position...]]) == whole, "\(position)")
    }
    #expect(try read(Self.list.indices.map { Self.list[$0...$0] }) == whole)
  }

  @Test
  func `a list in JSON may be split anywhere`() throws {
    let list = Array(#"{"kind":"PodList","metadata":{"resourceVersion":"5000"},"items":[\#(Samples.podJSON)]}"#.utf8)
    for position in stride(from: 0, to: list.count, by: 97) {
      let page = try read([list[..<position], list[position...]], contentType: MediaType.json)
      #expect(page.records.map(\.key) == [Samples.podRecord.key])
    }
  }

  @Test
  func `R11: a truncated list is an error`() {
    for length in 0..<Self.list.count {
      // Only the empty fields after the list may be missing.
      guard let page = try? read([Self.list[..<length]]) else { continue }
      #expect(page.records.count == 5 && page.resourceVersion == "7", "\(length)")
      #expect(length > Self.list.count - 8)
    }
    #expect { try read([Self.list[..<200]]) } throws: { "\($0)".contains("truncated after 200 bytes") }
  }

  @Test
  func `R12: an object over the limit, or longer than its list, is refused early`() {
    #expect { try read([Self.list[...]], limit: 100) } throws: { "\($0)".contains("the limit is 100") }
    let head = ProtobufEncoder.enveloped(kind: "PodList", [0x12, 0xff, 0xff, 0x7f])
    #expect { try read([head[...]]) } throws: { "\($0)".contains("longer than the list") }
  }

  @Test
  func `a list without pages buffers one object and one piece`() throws {
    var scanner = ProtobufListScanner<PodRecord>(kind: "PodList", limit: 1 << 20)
    let decoder = Samples.pods
    for start in stride(from: 0, to: Self.list.count, by: 16) {
      try scanner.append(
        Array(Self.list[start..<min(start + 16, Self.list.count)]), reading: decoder.protobufReader(), known: StoreSnapshot())
      #expect(scanner.heldBytes <= 16 + 300)
    }
    #expect(try scanner.finish().records.count == 5)
  }

  static let garbage: [(String, String, [String])] = [
    ("<html>\n<body>Bad gateway</body></html>", "text/html; charset=utf-8", ["list of Pod", "text/html", "'<html>.<body>Bad gateway"]),
    ("<html>no</html>", "application/json", ["15 bytes of application/json", "'<html>no</html>'"]),
    ("<html>no</html>", "application/vnd.kubernetes.protobuf", ["the Kubernetes protobuf prefix is missing", "'<html>no</html>'"]),
    ("", "application/json", ["0 bytes of application/json"]),
    ("", "", ["0 bytes of no content type"]),
    (#"{"kind":"Status","metadata":{}}"#, "application/json", ["kind 'Status'", #"'{"kind":"Status""#]),
    (
      #"{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":5}}]}"#,
      "application/json", ["at .items[1].metadata.name", "not String"]
    ),
  ]

  @Test(arguments: garbage)
  func `an undecodable response is quoted with its type and size`(_ body: String, _ contentType: String, _ words: [String]) {
    do throws(RecordError) {
      _ = try read([Array(body.utf8)[...]], contentType: contentType)
      Issue.record("no error")
    } catch {
      for word in words { #expect(error.description.contains(word), "\(error)") }
      #expect(!error.description.contains("DecodingError"))
    }
  }

  @Test
  func `a relist reuses equal records`() throws {
    let store = Store<PodRecord>()
    StoreWriter(store: store).replaceAll(with: try read([Self.list[...]]).records)
    var reader = ListReader(.pods(), contentType: MediaType.protobuf, limit: 1 << 20, known: store.snapshot())
    try reader.append(Self.list)
    for record in try reader.finish().records { #expect(record.storage === store.snapshot()[record.key]?.storage) }
  }
}
