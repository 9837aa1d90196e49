/// The process's numbers in `/proc/<pid>/status`, one for each PID namespace that it is in.
/// Source: `NSpid` in proc_pid_status(5); since Linux 4.1.
package struct ProcessStatus: Hashable, Sendable {
  /// From the reader's PID namespace to the process's own.
  package var identifiers: [Int32]

  package init(identifiers: [Int32]) {
    self.identifiers = identifiers
  }

  /// Whether it is the first process of its PID namespace.
  package var isFirst: Bool { identifiers.last == 1 }

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> ProcessStatus {
    var lines = Lines(bytes)
    while let line = lines.next() {
      // Unlike most files, status separates words by tabs.
      let fields = line.text.split(separator: "\t")
      guard fields.first == "NSpid:" else { continue }
      let identifiers = fields.dropFirst().compactMap { Int32($0) }
      guard !identifiers.isEmpty, identifiers.count == fields.count - 1 else { throw lines.malformed("NSpid is not a list of numbers") }
      return ProcessStatus(identifiers: identifiers)
    }
    throw MalformedFile(line: max(1, lines.number), reason: "no NSpid")
  }
}

extension ProcessDirectory {
  package func status(_ buffer: ReadBuffer) throws(ProcFSError) -> ProcessStatus {
    try directory.read("status", into: buffer, parse: ProcessStatus.parse)
  }
}
