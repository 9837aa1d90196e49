/// A parsed scrape body: the values by series.
struct ScrapedMetrics {
  let series: [String: Double]

  /// - Throws: `CommandFailed` for a duplicate series, which Prometheus rejects.
  init(_ bytes: [UInt8]) throws {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
    let pairs = lines.compactMap { line -> (String, Double)? in
      guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else { return nil }
      return (String(line[..<space]), value)
    }
    series = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    guard series.count == pairs.count else { throw CommandFailed(description: "duplicate series in:\n\(pairs.map(\.0).sorted())") }
  }

  /// The value of the only series with this name that contains all of these label texts; `nil` if there are none or several.
  func callAsFunction(_ name: String, _ labels: String...) -> Double? {
    let found = all(name).filter { key, _ in labels.allSatisfy(key.contains) }
    return found.count == 1 ? found.first?.value : nil
  }

  func all(_ name: String) -> [String: Double] {
    series.filter { $0.key == name || $0.key.hasPrefix("\(name){") }
  }

  /// The names of the metrics with a series that contains this label text.
  func names(with label: String) -> Set<String> {
    Set(series.keys.filter { $0.contains(label) }.compactMap { $0.split(separator: "{").first.map(String.init) })
  }
}
