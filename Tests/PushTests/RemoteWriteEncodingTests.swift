import Primitives
import Testing

@testable import Push

@Suite struct RemoteWriteEncodingTests {
  private func encoder(_ version: RemoteWriteVersion, _ change: (inout PushSettings) -> Void = { _ in }) -> any RequestEncoder {
    var settings = PushSettings(url: "http://127.0.0.1:9/")
    change(&settings)
    return switch version {
    case .one: RemoteWriteEncoder<WriteRequest>(settings)
    case .two: RemoteWriteEncoder<SymbolRequest>(settings)
    }
  }

  private func request(_ encoder: inout any RequestEncoder) throws -> ReadRequest {
    try #require(ReadRequest(encoder.takeBlock()?.bytes ?? []))
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `labels are sorted by name, unescaped, and never empty`(version: RemoteWriteVersion)
    throws
  {
    var encoder = encoder(version)
    _ = encoder.add(try PushedScrape("up{pod=\"web\",Job=\"a \\\"b\\\"\\n\",image=\"\",_x=\"1\"} 1\n"))
    let read = try request(&encoder)
    #expect(read.series.map(\.labels) == [[["Job", "a \"b\"\n"], ["__name__", "up"], ["_x", "1"], ["pod", "web"]]])
    #expect(read.series.map(\.samples) == [[.init(bits: (1.0).bitPattern, timestamp: 1000)]])
  }

  @Test func `the bytes follow the specification`() throws {
    var encoder = encoder(.one)
    _ = encoder.add(try PushedScrape("a 2\n", at: 300))
    let taken = encoder.takeBlock()
    let block = try #require(taken)
    let bytes = SnappyBlock.uncompress(block.bytes.span, limit: 100)
    // Encoded by hand with prompb's field numbers.
    let label: [UInt8] = [0x0a, 8] + Array("__name__".utf8) + [0x12, 1] + Array("a".utf8)
    let sample: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 0xac, 0x02]
    let series = [0x0a, UInt8(label.count)] + label + [0x12, UInt8(sample.count)] + sample
    #expect(bytes == [0x0a, UInt8(series.count)] + series)
  }

  @Test func `R142: the bytes follow the specification of 2.0`() throws {
    var encoder = encoder(.two)
    _ = encoder.add(try PushedScrape("a 2\na{b=\"a\"} 0\n", at: 300))
    let taken = encoder.takeBlock()
    let block = try #require(taken)
    // Encoded by hand with the field numbers of io/prometheus/write/v2/types.proto.
    func symbol(_ text: String) -> [UInt8] { [0x22, UInt8(text.utf8.count)] + Array(text.utf8) }
    let symbols = ["", "__name__", "a", "b"].flatMap(symbol)
    let first: [UInt8] = [0x0a, 2, 1, 2, 0x12, 12, 0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 0xac, 0x02]
    let second: [UInt8] = [0x0a, 4, 1, 2, 3, 2, 0x12, 3, 0x10, 0xac, 0x02]
    let bytes = SnappyBlock.uncompress(block.bytes.span, limit: 100)
    #expect(
      bytes == symbols + [0x2a, UInt8(first.count)] + first + [0x2a, UInt8(second.count)] + second)
    #expect(block.hasSymbols)
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `extra labels are added to series without one of that name`(
    version: RemoteWriteVersion
  ) throws {
    var encoder = encoder(version) { $0.labels = ["cluster": "east", "zone": "a", "none": ""] }
    _ = encoder.add(try PushedScrape("up{zone=\"b\"} 1\n"))
    #expect(try request(&encoder).series.map(\.labels) == [[["__name__", "up"], ["cluster", "east"], ["zone", "b"]]])
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `samples have the time of their collection`(version: RemoteWriteVersion) throws {
    var encoder = encoder(version)
    _ = encoder.add(try PushedScrape("up 1 555\ndown 1\n", at: 2000))
    #expect(try request(&encoder).series.flatMap(\.samples).map(\.timestamp) == [2000, 2000])
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `a scrape larger than a request is split`(version: RemoteWriteVersion) throws {
    var encoder = encoder(version) { $0.samplesPerRequest = 3 }
    #expect(encoder.add(try PushedScrape("a 1\n")).isEmpty)
    let text = (0..<7).map { "b{n=\"\($0)\"} \($0)\n" }.joined()
    let full = encoder.add(try PushedScrape(owner: "default/other", text, at: 2000))
    #expect(full.map(\.samples) == [3, 3])
    #expect(full.map(\.newest) == [2000, 2000])
    let values = try full.flatMap { try #require(ReadRequest($0.bytes)).series.flatMap(\.samples).map { Double(bitPattern: $0.bits) } }
    #expect(values == [1, 0, 1, 2, 3, 4])
    #expect(try request(&encoder).series.flatMap(\.samples).map { Double(bitPattern: $0.bits) } == [5, 6])
    // Seven stale markers, three in each request.
    #expect(encoder.end("default/other", at: 3000).map(\.samples) == [3, 3])
    #expect(encoder.samples == 1)
  }

  @Test func `R102: each family is described once a minute`() throws {
    var encoder = encoder(.one)
    func add(_ owner: String, _ families: [String], at time: Int64) throws -> [String] {
      var scrape = try PushedScrape(owner: owner, "up 1\n", at: time)
      for name in families {
        Array(name.utf8).withUnsafeBytes { name in
          Array("one\\ntwo \\\\".utf8).withUnsafeBytes { scrape.addFamily(name, type: .summary, escapedHelp: $0) }
        }
      }
      _ = encoder.add(scrape)
      let read = try request(&encoder)
      #expect(read.series.count == 1)
      #expect(read.metadata.allSatisfy { $0.type == 5 && $0.help == "one\ntwo \\" })
      return read.metadata.map(\.name)
    }
    #expect(try add("a", ["x", "y"], at: 60_000) == ["x", "y"])
    #expect(try add("b", ["x", "z"], at: 61_000) == ["z"])
    #expect(try add("a", ["x", "y"], at: 119_000) == [])
    #expect(try add("a", ["x", "y"], at: 120_000) == ["x", "y"])
  }

  @Test func `R102, R142: with 2.0 the series of a family describe it once a minute`() throws {
    var encoder = encoder(.two)
    func add(at time: Int64) throws -> [ReadRequest.Metadata] {
      var scrape = try PushedScrape("x_count 1\nx_sum 2\nxy 3\n", at: time)
      for (name, type) in [("x", PushedScrape.MetricType.summary), ("xy", .untyped)] {
        Array(name.utf8).withUnsafeBytes { name in
          Array("help of \\n".utf8).withUnsafeBytes { scrape.addFamily(name, type: type, escapedHelp: $0) }
        }
      }
      _ = encoder.add(scrape)
      return try request(&encoder).metadata
    }
    let described = ["x_count", "x_sum"].map { ReadRequest.Metadata(type: 5, name: $0, help: "help of \n") }
    #expect(try add(at: 60_000) == described + [ReadRequest.Metadata(type: 0, name: "xy", help: "help of \n")])
    #expect(try add(at: 61_000) == [])
    #expect(try add(at: 120_000).count == 3)
  }

  @Test func `R142: a request of 2.0 becomes the same request of 1.0`() throws {
    let text = (0..<300).map { "b_\($0 % 7){n=\"\($0)\",pod=\"web\",A=\"\"} \($0 % 3)\n" }.joined() + "c_sum{x=\"\\\"\"} -0\n"
    var scrape = try PushedScrape(text, at: 5000)
    Array("c".utf8).withUnsafeBytes { name in
      Array("help".utf8).withUnsafeBytes { scrape.addFamily(name, type: .histogram, escapedHelp: $0) }
    }
    var requests: [ReadRequest] = []
    for version in RemoteWriteVersion.allCases {
      var encoder = encoder(version)
      _ = encoder.add(scrape)
      _ = encoder.end("default/web", at: 6000)
      let taken = encoder.takeBlock()
      let block = try #require(taken)
      #expect(block.hasSymbols == (version == .two))
      let older = version == .two ? try #require(block.withoutSymbols()) : block
      #expect(older.samples == 602 && older.newest == 6000 && !older.hasSymbols)
      requests.append(try #require(ReadRequest(older.bytes)))
    }
    #expect(requests[0] == requests[1])
    #expect(requests[0].series.count == 602 && requests[0].metadata == [.init(type: 3, name: "c", help: "help")])
  }

  @Test func `R142: a request has each text once, however many there are`() throws {
    var encoder = encoder(.two) { $0.samplesPerRequest = 10_000 }
    let values = (0..<1200).map { "value-\($0 / 2)" }
    _ = encoder.add(try PushedScrape(values.enumerated().map { "a{n=\"\($1)\",odd=\"\($0 % 2)\"} 1\n" }.joined()))
    let read = try request(&encoder)
    #expect(read.series.map { $0.labels.first { $0[0] == "n" }?[1] } == values)
    #expect(Set(read.symbols).count == read.symbols.count && read.symbols.count == 607)
  }

  @Test func `R142: no change of a request of 2.0 crashes its conversion`() throws {
    var encoder = encoder(.two)
    _ = encoder.add(try PushedScrape((0..<20).map { "a{n=\"\($0)\"} 1\n" }.joined()))
    let taken = encoder.takeBlock()
    let packed = try #require(taken).bytes
    let uncompressed = SnappyBlock.uncompress(packed.span, limit: 1 << 20)
    let message = try #require(uncompressed)
    var random = SplitMix64(seed: 5)
    for _ in 0..<5000 {
      var changed = message
      for _ in 0..<3 { changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: 0...255, using: &random) }
      let block = PushBlock(bytes: SnappyBlock.compress(changed.span), samples: 20, newest: 0)
      if let older = block.withoutSymbols() { #expect(older.samples == 20) }
    }
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `forgotten owners are not ended`(version: RemoteWriteVersion) throws {
    var encoder = encoder(version)
    _ = encoder.add(try PushedScrape("up 1\n"))
    _ = encoder.takeBlock()
    encoder.forgetOwners()
    #expect(encoder.end("default/web", at: 2000).isEmpty)
    _ = encoder.add(try PushedScrape("down 1\n", at: 3000))
    #expect(try request(&encoder).series.map(\.labels) == [[["__name__", "down"]]])
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `a missing series ends once`(version: RemoteWriteVersion) throws {
    var encoder = encoder(version)
    _ = encoder.add(try PushedScrape("up 1\ndown{a=\"b\"} 2\n", at: 1000))
    _ = encoder.takeBlock()
    _ = encoder.add(try PushedScrape("up 1\n", at: 2000))
    let second = try request(&encoder)
    #expect(second.series.map(\.labels) == [[["__name__", "up"]], [["__name__", "down"], ["a", "b"]]])
    #expect(second.series[1].samples == [.init(bits: 0x7ff0_0000_0000_0002, timestamp: 2000)])
    _ = encoder.add(try PushedScrape("up 1\n", at: 3000))
    #expect(try request(&encoder).series.count == 1)
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `ending an owner ends all its series and forgets it`(version: RemoteWriteVersion)
    throws
  {
    var encoder = encoder(version)
    _ = encoder.add(try PushedScrape("up 1\ndown{a=\"b\"} 2\n", at: 1000))
    _ = encoder.takeBlock()
    _ = encoder.end("default/web", at: 1500)
    let last = try request(&encoder)
    #expect(last.series.map(\.labels) == [[["__name__", "up"]], [["__name__", "down"], ["a", "b"]]])
    #expect(last.series.flatMap(\.samples).allSatisfy { $0 == .init(bits: 0x7ff0_0000_0000_0002, timestamp: 1500) })
    _ = encoder.end("default/web", at: 1600)
    #expect(encoder.samples == 0)
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `the order of series does not matter`(version: RemoteWriteVersion) throws {
    var encoder = encoder(version)
    _ = encoder.add(try PushedScrape("a{x=\"1\",y=\"2\"} 1\nb 2\n", at: 1000))
    _ = encoder.takeBlock()
    _ = encoder.add(try PushedScrape("b 2\na{y=\"2\",x=\"1\"} 1\n", at: 2000))
    #expect(try request(&encoder).series.count == 2)
  }

  @Test(arguments: RemoteWriteVersion.allCases) func `timestamps increase when the wall clock is set back`(version: RemoteWriteVersion)
    throws
  {
    var encoder = encoder(version)
    for time in [5000, 1000, 1000] as [Int64] { _ = encoder.add(try PushedScrape("up 1\n", at: time)) }
    _ = encoder.end("default/web", at: 0)
    #expect(try request(&encoder).series.flatMap(\.samples).map(\.timestamp) == [5000, 5001, 5002, 5003])
  }
}
