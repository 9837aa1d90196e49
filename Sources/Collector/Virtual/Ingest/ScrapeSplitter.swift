internal import Exposition

/// Takes a page of many pods apart: whose each of its lines is follows from the line's labels.
struct ScrapeSplitter: Sendable {
  /// By label set of the page; -1 is for what is no pod's.
  private(set) var parts: [Int32] = []
  private var part = ScrapeBuilder()
  /// Of a set of the page, its number in its part.
  private var numbers: [Int32] = []

  mutating func begin() {
    parts.removeAll(keepingCapacity: true)
  }

  mutating func add(part: Int?, ofSet index: Int) {
    while parts.count < index { parts.append(-1) }
    parts.append(Int32(part ?? -1))
  }

  /// Calls `each` with every part that has a line, in the order of the parts, what is no pod's first.
  mutating func forEach(of page: borrowing ScrapeBuilder, count: Int, _ each: (_ part: Int?, _ page: ScrapeBuilder) -> Void) {
    // The lines in the order of their parts, and within a part in the page's.
    var ends = [Int](repeating: 0, count: count + 2)
    for line in page.lines { ends[Int(parts[line.shape.set]) + 2] += 1 }
    for part in 1..<ends.count { ends[part] += ends[part - 1] }
    var lines = [Int32](repeating: 0, count: page.lines.count)
    for (place, line) in page.lines.enumerated() {
      let part = Int(parts[line.shape.set]) + 1
      lines[ends[part]] = Int32(place)
      ends[part] += 1
    }
    numbers.removeAll(keepingCapacity: true)
    numbers.append(contentsOf: repeatElement(-1, count: parts.count))
    var start = 0
    for index in 0...count {
      let end = ends[index]
      if end > start {
        fill(page, lines[start..<end])
        each(index == 0 ? nil : index - 1, part)
      }
      start = end
    }
  }

  private mutating func fill(_ page: borrowing ScrapeBuilder, _ lines: ArraySlice<Int32>) {
    part.begin()
    var last: (family: Int, suffix: Int) = (-1, -1)
    page.texts.withUnsafeBytes { texts in
      page.numbers.withUnsafeBytes { values in
        for place in lines {
          let line = page.lines[Int(place)]
          if (line.family, line.shape.suffix) != last {
            last = (line.family, line.shape.suffix)
            enter(page.families[line.family], suffix: line.shape.suffix, texts: texts)
          }
          let set = line.shape.set
          if numbers[set] < 0 { numbers[set] = Int32(part.add(set: set, of: page)) }
          part.sample(
            labels: Int(numbers[set]), value: UnsafeRawBufferPointer(rebasing: values[line.number]),
            timestamp: page.time(ofLine: Int(place)))
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
