import Testing

@testable import Push

@Suite struct RemoteWriteEncodingTests {
  private func encoder(_ change: (inout PushSettings) -> Void = { _ in }) -> RemoteWriteEncoder {
    var settings = PushSettings(url: "http://127.0.0.1:9/")
    change(&settings)
    return RemoteWriteEncoder(settings)
  }

  private func request(_ encoder: inout RemoteWriteEncoder) throws -> ReadRequest {
    try #require(ReadRequest(encoder.takeBlock()?.bytes ?? []))
  }

  @Test func `labels are sorted by name, unescaped, and never empty`() throws {
    var encoder = encoder()
    _ = encoder.add(try PushedScrape("up{pod=\"web\",Job=\"a \\\"b\\\"\\n\",image=\"\",_x=\"1\"} 1\n"))
    let read = try request(&encoder)
    #expect(read.series.map(\.labels) == [[["Job", "a \"b\"\n"], ["__name__", "up"], ["_x", "1"], ["pod", "web"]]])
    #expect(read.series.map(\.samples) == [[.init(bits: (1.0).bitPattern, timestamp: 1000)]])
  }

  @Test func `the bytes follow the specification`() throws {
    var encoder = encoder()
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

  @Test func `extra labels are added to series without one of that name`() throws {
    var encoder = encoder { $0.labels = ["cluster": "east", "zone": "a", "none": ""] }
    _ = encoder.add(try PushedScrape("up{zone=\"b\"} 1\n"))
    #expect(try request(&encoder).series.map(\.labels) == [[["__name__", "up"], ["cluster", "east"], ["zone", "b"]]])
  }

  @Test func `samples have the time of their collection`() throws {
    var encoder = encoder()
    _ = encoder.add(try PushedScrape("up 1 555\ndown 1\n", at: 2000))
    #expect(try request(&encoder).series.flatMap(\.samples).map(\.timestamp) == [2000, 2000])
  }

  @Test func `a scrape larger than a request is split`() throws {
    var encoder = encoder { $0.samplesPerRequest = 3 }
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
    var encoder = encoder()
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

  @Test func `forgotten owners are not ended`() throws {
    var encoder = encoder()
    _ = encoder.add(try PushedScrape("up 1\n"))
    _ = encoder.takeBlock()
    encoder.forgetOwners()
    #expect(encoder.end("default/web", at: 2000).isEmpty)
    _ = encoder.add(try PushedScrape("down 1\n", at: 3000))
    #expect(try request(&encoder).series.map(\.labels) == [[["__name__", "down"]]])
  }

  @Test func `a missing series ends once`() throws {
    var encoder = encoder()
    _ = encoder.add(try PushedScrape("up 1\ndown{a=\"b\"} 2\n", at: 1000))
    _ = encoder.takeBlock()
    _ = encoder.add(try PushedScrape("up 1\n", at: 2000))
    let second = try request(&encoder)
    #expect(second.series.map(\.labels) == [[["__name__", "up"]], [["__name__", "down"], ["a", "b"]]])
    #expect(second.series[1].samples == [.init(bits: 0x7ff0_0000_0000_0002, timestamp: 2000)])
    _ = encoder.add(try PushedScrape("up 1\n", at: 3000))
    #expect(try request(&encoder).series.count == 1)
  }

  @Test func `ending an owner ends all its series and forgets it`() throws {
    var encoder = encoder()
    _ = encoder.add(try PushedScrape("up 1\ndown{a=\"b\"} 2\n", at: 1000))
    _ = encoder.takeBlock()
    _ = encoder.end("default/web", at: 1500)
    let last = try request(&encoder)
    #expect(last.series.map(\.labels) == [[["__name__", "up"]], [["__name__", "down"], ["a", "b"]]])
    #expect(last.series.flatMap(\.samples).allSatisfy { $0 == .init(bits: 0x7ff0_0000_0000_0002, timestamp: 1500) })
    _ = encoder.end("default/web", at: 1600)
    #expect(encoder.samples == 0)
  }

  @Test func `the order of series does not matter`() throws {
    var encoder = encoder()
    _ = encoder.add(try PushedScrape("a{x=\"1\",y=\"2\"} 1\nb 2\n", at: 1000))
    _ = encoder.takeBlock()
    _ = encoder.add(try PushedScrape("b 2\na{y=\"2\",x=\"1\"} 1\n", at: 2000))
    #expect(try request(&encoder).series.count == 2)
  }

  @Test func `timestamps increase when the wall clock is set back`() throws {
    var encoder = encoder()
    for time in [5000, 1000, 1000] as [Int64] { _ = encoder.add(try PushedScrape("up 1\n", at: time)) }
    _ = encoder.end("default/web", at: 0)
    #expect(try request(&encoder).series.flatMap(\.samples).map(\.timestamp) == [5000, 5001, 5002, 5003])
  }
}
