/// A page of metrics as a test looks at it: each line is a series with its value.
struct Page {
  let series: [String: Double]

  /// - Throws: where a series comes twice, which Prometheus does not take.
  init(_ bytes: [UInt8]) throws {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
    let pairs = lines.compactMap { line -> (String, Double)? in
      guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else { return nil }
      return (String(line[..<space]), value)
    }
    series = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    guard series.count == pairs.count else { throw CommandFailed(description: "a series comes twice:\n\(pairs.map(\.0).sorted())") }
  }

  /// The value of the one series with this name whose labels hold all of these texts; `nil` where there is none or more than one.
  func callAsFunction(_ name: String, _ labels: String...) -> Double? {
    let found = all(name).filter { key, _ in labels.allSatisfy(key.contains) }
    return found.count == 1 ? found.first?.value : nil
  }

  /// All series of this name.
  func all(_ name: String) -> [String: Double] {
    series.filter { $0.key == name || $0.key.hasPrefix("\(name){") }
  }

  /// The names of the metrics that have a series with this text in its labels.
  func names(with label: String) -> Set<String> {
    Set(series.keys.filter { $0.contains(label) }.compactMap { $0.split(separator: "{").first.map(String.init) })
  }
}
