import Exposition
import Testing

@testable import Push

@Suite struct RemoteWriteEncodingTests {
  private func encoder(_ change: (inout PushSettings) -> Void = { _ in }) -> RemoteWriteEncoder {
    var settings = PushSettings(url: "http://127.0.0.1:9/")
    change(&settings)
    return RemoteWriteEncoder(settings)
  }

  private func page(_ text: String, at time: Int64 = 1000) -> PushedPage {
    PushedPage(owner: "default/web", text: Array(text.utf8), collectedAt: time, endpoint: "node-1")
  }

  private func request(_ encoder: inout RemoteWriteEncoder) throws -> ReadRequest {
    try #require(ReadRequest(encoder.takeBlock().bytes))
  }

  @Test func `labels are sorted by name, unescaped, and never empty`() throws {
    var encoder = encoder()
    try encoder.add(page("up{pod=\"web\",Job=\"a \\\"b\\\"\\n\",image=\"\",_x=\"1\"} 1\n"), limits: .standard)
    let read = try request(&encoder)
    #expect(read.series.map(\.labels) == [[["Job", "a \"b\"\n"], ["__name__", "up"], ["_x", "1"], ["pod", "web"]]])
    #expect(read.series.map(\.samples) == [[.init(bits: (1.0).bitPattern, timestamp: 1000)]])
  }

  @Test func `the bytes are those of the specification`() throws {
    var encoder = encoder()
    try encoder.add(page("a 2\n", at: 300), limits: .standard)
    let block = encoder.takeBlock()
    let bytes = SnappyBlock.uncompress(block.bytes.span, limit: 100)
    // Written out by hand from prompb's field numbers.
    let label: [UInt8] = [0x0a, 8] + Array("__name__".utf8) + [0x12, 1] + Array("a".utf8)
    let sample: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 0xac, 0x02]
    let series = [0x0a, UInt8(label.count)] + label + [0x12, UInt8(sample.count)] + sample
    #expect(bytes == [0x0a, UInt8(series.count)] + series)
  }

  @Test func `extra labels are given to series that have none of that name`() throws {
    var encoder = encoder { $0.labels = ["cluster": "east", "zone": "a", "none": ""] }
    try encoder.add(page("up{zone=\"b\"} 1\n"), limits: .standard)
    #expect(try request(&encoder).series.map(\.labels) == [[["__name__", "up"], ["cluster", "east"], ["zone", "b"]]])
  }

  @Test(arguments: [(false, Int64(1000)), (true, Int64(555))]) func `times of samples are kept where that is wanted`(
    keeps: Bool, expected: Int64
  ) throws {
    var encoder = encoder { $0.keepsTimestamps = keeps }
    try encoder.add(page("up 1 555\ndown 1\n"), limits: .standard)
    #expect(try request(&encoder).series.flatMap(\.samples).map(\.timestamp) == [expected, 1000])
  }

  @Test func `only wanted families are pushed`() throws {
    var encoder = encoder { $0.families = ["up"] }
    try encoder.add(page("up 1\nuptime 2\n"), limits: .standard)
    #expect(try request(&encoder).series.map(\.labels) == [[["__name__", "up"]]])
  }

  @Test func `a page that is not the text format adds nothing`() {
    var encoder = encoder()
    #expect(throws: ExpositionError.self) { try encoder.add(page("up 1\ndown{ 2\n"), limits: .standard) }
    #expect(encoder.samples == 0)
  }

  @Test func `a series that is gone is ended once`() throws {
    var encoder = encoder()
    try encoder.add(page("up 1\ndown{a=\"b\"} 2\n", at: 1000), limits: .standard)
    _ = encoder.takeBlock()
    try encoder.add(page("up 1\n", at: 2000), limits: .standard)
    let second = try request(&encoder)
    #expect(second.series.map(\.labels) == [[["__name__", "up"]], [["__name__", "down"], ["a", "b"]]])
    #expect(second.series[1].samples == [.init(bits: 0x7ff0_0000_0000_0002, timestamp: 2000)])
    try encoder.add(page("up 1\n", at: 3000), limits: .standard)
    #expect(try request(&encoder).series.count == 1)
  }

  @Test func `an owner that is gone has all its series ended, and then is forgotten`() throws {
    var encoder = encoder()
    try encoder.add(page("up 1\ndown{a=\"b\"} 2\n", at: 1000), limits: .standard)
    _ = encoder.takeBlock()
    encoder.end("default/web", at: 1500)
    let last = try request(&encoder)
    #expect(last.series.map(\.labels) == [[["__name__", "up"]], [["__name__", "down"], ["a", "b"]]])
    #expect(last.series.flatMap(\.samples).allSatisfy { $0 == .init(bits: 0x7ff0_0000_0000_0002, timestamp: 1500) })
    encoder.end("default/web", at: 1600)
    #expect(encoder.samples == 0)
  }

  @Test func `series in another order are the same series`() throws {
    var encoder = encoder()
    try encoder.add(page("a{x=\"1\",y=\"2\"} 1\nb 2\n", at: 1000), limits: .standard)
    _ = encoder.takeBlock()
    try encoder.add(page("b 2\na{y=\"2\",x=\"1\"} 1\n", at: 2000), limits: .standard)
    #expect(try request(&encoder).series.count == 2)
  }

  @Test func `time goes on where the wall clock goes back`() throws {
    var encoder = encoder()
    for time in [5000, 1000, 1000] as [Int64] { try encoder.add(page("up 1\n", at: time), limits: .standard) }
    encoder.end("default/web", at: 0)
    #expect(try request(&encoder).series.flatMap(\.samples).map(\.timestamp) == [5000, 5001, 5002, 5003])
  }
}
