import Glibc
import TestSupport
import Testing

@testable import Exposition

@Suite struct ExpositionWriterTests {
  @Test func `an exposition, byte for byte`() {
    var writer = ExpositionWriter()
    writer.info("app_build_info", help: "Version.", ["version": "1.0"])
    writer.family("app_requests_total", .counter, help: "Requests.")
    writer.sample("app_requests_total", ["code": "200", "method": "get"], 1027)
    writer.family("app_requests_total", .counter, help: "Requests.")
    writer.sample("app_requests_total", ["code": "500", "method": "get"], 3.5, timestampMilliseconds: 1_395_066_363_000)
    writer.family("app_temperature_celsius", .gauge, help: "Outside.", value: -0.25)
    #expect(
      String(decoding: writer.bytes, as: UTF8.self) == """
        # HELP app_build_info Version.
        # TYPE app_build_info gauge
        app_build_info{version="1.0"} 1
        # HELP app_requests_total Requests.
        # TYPE app_requests_total counter
        app_requests_total{code="200",method="get"} 1027
        app_requests_total{code="500",method="get"} 3.5 1395066363000
        # HELP app_temperature_celsius Outside.
        # TYPE app_temperature_celsius gauge
        app_temperature_celsius -0.25

        """)
  }

  @Test func `help texts and label values are escaped`() {
    var writer = ExpositionWriter()
    writer.family("m", .untyped, help: "a \\ \"quoted\"\nline")
    writer.sample("m", ["path": "C:\\x \"y\"\nz ü"], 1)
    #expect(
      String(decoding: writer.bytes, as: UTF8.self) == #"""
        # HELP m a \\ "quoted"\nline
        # TYPE m untyped
        m{path="C:\\x \"y\"\nz ü"} 1

        """#)
  }

  @Test(arguments: [
    (0.0, "0"), (-0.0, "0"), (1, "1"), (-17, "-17"), (0.5, "0.5"), (1e15, "1000000000000000"),
    (9_007_199_254_740_991, "9007199254740991"), (1e300, "1e+300"), (1.5e-7, "1.5e-07"), (.nan, "NaN"), (.infinity, "+Inf"),
    (-.infinity, "-Inf"),
  ])
  func `numbers are written in the format's spelling`(value: Double, text: String) {
    var writer = ExpositionWriter()
    writer.sample("m", value)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "m \(text)\n")
  }

  @Test func `integers are written without loss of precision`() {
    var writer = ExpositionWriter()
    writer.sample("m", UInt64.max)
    writer.sample("m", Int64.min)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "m 18446744073709551615\nm -9223372036854775808\n")
  }

  @Test func `histogram buckets are cumulative`() {
    var histogram = Histogram(upperBounds: [0.1, 1])
    for value in [0.05, 0.1, 0.5, 7] {
      histogram.observe(value)
    }
    var writer = ExpositionWriter()
    writer.histogram("h_seconds", ["source": "linux"], histogram)
    #expect(histogram.count == 4)
    #expect(
      String(decoding: writer.bytes, as: UTF8.self) == """
        h_seconds_bucket{source="linux",le="0.1"} 2
        h_seconds_bucket{source="linux",le="1.0"} 3
        h_seconds_bucket{source="linux",le="+Inf"} 4
        h_seconds_sum{source="linux"} 7.65
        h_seconds_count{source="linux"} 4

        """)
  }

  @Test func `label sets can be appended to each other`() {
    var base: ExpositionLabels = ["namespace": "shop"]
    base.append(["pod": "web-0"])
    base.append(.none)
    #expect(base.adding("container", "nginx") == ["namespace": "shop", "pod": "web-0", "container": "nginx"])
  }

  @Test func `written samples are parsed unchanged`() throws {
    let text = "tab\t backslash \\ quote \" line\n 漢字 \u{1F600}"
    let values = [0.1, -1e-300, 123_456_789.125, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
    var writer = ExpositionWriter()
    for value in values {
      writer.sample("m", ["text": text], value, timestampMilliseconds: 12)
    }
    let samples = try parsedSamples(writer.bytes, rejectsDuplicates: false)
    #expect(samples.map(\.value) == values)
    #expect(samples.allSatisfy { $0["text"] == text && $0.timestamp == 12 })
  }

  @Test func `process metrics describe this process`() throws {
    let first = try #require(ProcessMetrics.current())
    let file = try #require(fopen("/dev/null", "r"))
    defer { fclose(file) }
    let second = try #require(ProcessMetrics.current())
    #expect(first.residentBytes > 1 << 20)
    #expect(first.virtualBytes >= first.residentBytes)
    #expect(second.cpuSeconds >= first.cpuSeconds)
    // Other tests open files concurrently, so the difference is not exactly one.
    #expect(first.openFileDescriptors >= 3 && second.openFileDescriptors > 3)
    #expect(Double(first.openFileDescriptors) <= first.maximumFileDescriptors)
    #expect(first.startTimeSeconds < Double(time(nil)) + 1 && first.startTimeSeconds > Double(time(nil)) - 86400)

    var writer = ExpositionWriter()
    writer.process(first)
    #expect(
      try parsedSamples(writer.bytes).map(\.name).sorted() == [
        "process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_resident_memory_bytes", "process_start_time_seconds",
        "process_virtual_memory_bytes",
      ])
  }
}
