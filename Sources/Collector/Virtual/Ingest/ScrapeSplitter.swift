internal import Exposition

/// Splits the scrape of a node into parts by pod, based on the label set of each line.
struct ScrapeSplitter: Sendable {
  /// The part of each label set. -1 for series of no known pod.
  private(set) var parts: [Int32] = []
  private var part = ScrapeBuilder()
  /// By label set of the node's scrape, its index in its part, or -1.
  private var partSets: [Int32] = []

  mutating func begin() {
    parts.removeAll(keepingCapacity: true)
  }

  mutating func assign(part: Int?, toSet index: Int) {
    while parts.count < index { parts.append(-1) }
    parts.append(Int32(part ?? -1))
  }

  /// Calls `each` with every part that has a line, in ascending order, starting with the series of no known pod.
  mutating func forEach(of scrape: borrowing ScrapeBuilder, count: Int, _ each: (_ part: Int?, _ scrape: ScrapeBuilder) -> Void) {
    // A counting sort of the lines by part, which keeps the order within a part.
    var ends = [Int](repeating: 0, count: count + 2)
    for line in scrape.lines { ends[Int(parts[line.shape.set]) + 2] += 1 }
    for part in 1..<ends.count { ends[part] += ends[part - 1] }
    var lines = [Int32](repeating: 0, count: scrape.lines.count)
    for (index, line) in scrape.lines.enumerated() {
      let part = Int(parts[line.shape.set]) + 1
      lines[ends[part]] = Int32(index)
      ends[part] += 1
    }
    partSets.removeAll(keepingCapacity: true)
    partSets.append(contentsOf: repeatElement(-1, count: parts.count))
    var start = 0
    for index in 0...count {
      let end = ends[index]
      if end > start {
        build(scrape, lines[start..<end])
        each(index == 0 ? nil : index - 1, part)
      }
      start = end
    }
  }

  private mutating func build(_ scrape: borrowing ScrapeBuilder, _ lines: ArraySlice<Int32>) {
    part.begin()
    var last: (family: Int, suffix: Int) = (-1, -1)
    scrape.texts.withUnsafeBytes { texts in
      scrape.numbers.withUnsafeBytes { values in
        for index in lines {
          let line = scrape.lines[Int(index)]
          if (line.family, line.shape.suffix) != last {
            last = (line.family, line.shape.suffix)
            enter(scrape.families[line.family], suffix: line.shape.suffix, texts: texts)
          }
          let set = line.shape.set
          if partSets[set] < 0 { partSets[set] = Int32(part.add(set: set, of: scrape)) }
          part.sample(
            labels: Int(partSets[set]), value: UnsafeRawBufferPointer(rebasing: values[line.number]),
            timestamp: scrape.time(ofLine: Int(index)))
        }
      }
    }
  }

  private mutating func enter(_ family: ScrapeBuilder.Family, suffix: Int, texts: UnsafeRawBufferPointer) {
    let name = UnsafeRawBufferPointer(rebasing: texts[family.name])
    part.enter(family: name, suffix: suffix)
    part.copy(help: UnsafeRawBufferPointer(rebasing: texts[family.help]), type: family.type)
  }
}
