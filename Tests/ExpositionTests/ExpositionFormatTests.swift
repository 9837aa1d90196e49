import Exposition
import Testing

@Suite struct ExpositionFormatTests {
  @Test(arguments: [
    ([], ExpositionFormat.text),
    ([""], .text),
    (["*/*"], .text),
    (["text/html, application/json"], .text),
    // Prometheus 2.42, and 3.
    (
      [
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
      ], .openMetrics
    ),
    (
      [
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
      ], .openMetrics
    ),
    (["application/openmetrics-text;version=0.0.1,text/plain;q=0.5"], .text),
    (["application/openmetrics-text;q=0.2", "text/plain;version=0.0.4;q=0.9"], .text),
    (["application/openmetrics-text;q=0, */*;q=0.1"], .text),
    (["Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=1.0"], .openMetrics),
    (["application/openmetrics-text;q=many"], .text),
  ])
  func `the format with the highest weight is chosen, by default the text format`(accept: [String], format: ExpositionFormat) {
    #expect(ExpositionFormat(accept: accept) == format)
  }

  @Test(arguments: [
    ([], false), (["gzip"], true), (["deflate, gzip;q=1.0, *;q=0.5"], true), (["gzip;q=0"], false), (["gzip;q=0, *"], false), (["*"], true),
    (["*;q=0"], false), (["identity", "x-gzip"], true), (["br"], false),
  ])
  func `gzip is used only if accepted`(acceptEncoding: [String], expected: Bool) {
    #expect(acceptsGzip(acceptEncoding) == expected)
  }

  @Test func `OpenMetrics omits the counter suffix, escapes quotes in help texts and ends with EOF`() {
    func exposition(_ format: ExpositionFormat) -> String {
      var writer = ExpositionWriter(format)
      writer.family("a_total", .counter, help: "Says \"a\".", value: 1)
      writer.family("b_total", .gauge, help: "Despite its name.", labels: ["x": "y"], value: 2)
      writer.finish()
      return String(decoding: writer.bytes, as: UTF8.self)
    }
    #expect(
      exposition(.text)
        == "# HELP a_total Says \"a\".\n# TYPE a_total counter\na_total 1\n# HELP b_total Despite its name.\n# TYPE b_total gauge\nb_total{x=\"y\"} 2\n"
    )
    #expect(
      exposition(.openMetrics)
        == "# HELP a Says \\\"a\\\".\n# TYPE a counter\na_total 1\n# HELP b_total Despite its name.\n# TYPE b_total gauge\nb_total{x=\"y\"} 2\n# EOF\n"
    )
  }

  @Test func `an exposition drained in pieces equals the whole`() {
    var whole = ExpositionWriter()
    var piecewise = ExpositionWriter()
    var pieces: [UInt8] = []
    for number in 0..<4 {
      for name in ["a", "b"] where number.isMultiple(of: 2) == (name == "a") {
        whole.family(name, .gauge, help: "h")
        piecewise.family(name, .gauge, help: "h")
        whole.sample(name, ["n": "\(number)"], ["m": "x"], Double(number))
        piecewise.sample(name, ["n": "\(number)"], ["m": "x"], Double(number))
        piecewise.drain { pieces += $0 }
      }
    }
    #expect(pieces == whole.bytes)
    #expect(String(decoding: pieces, as: UTF8.self).contains("b{n=\"3\",m=\"x\"} 3\n"))
  }
}
