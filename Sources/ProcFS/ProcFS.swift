/// The kernel's `/proc`, or a tree of files in its likeness.
package struct ProcFS: Hashable, Sendable {
  /// Where it is mounted; a container often has the host's at another place than `/proc`.
  package let root: String

  package init(root: String = "/proc") {
    self.root = root
  }

  /// Takes hold of a process. What it gives afterwards is of this process or fails, even when another one gets its number.
  package func process(_ identifier: Int32) throws(ProcFSError) -> ProcessDirectory {
    ProcessDirectory(try Directory("\(root)/\(identifier)"))
  }

  package func kernelRelease(_ buffer: ReadBuffer) throws(ProcFSError) -> KernelRelease {
    try Directory(root).read("sys/kernel/osrelease", into: buffer, parse: KernelRelease.parse)
  }
}

/// `/proc/<pid>` of one process.
package struct ProcessDirectory: ~Copyable {
  /// How many descriptors one takes.
  package static let descriptors = 2

  let directory: Directory
  private let namespaces: NamespaceLinks

  fileprivate init(_ directory: consuming Directory) {
    namespaces = NamespaceLinks(of: directory)
    self.directory = directory
  }

  /// Tells the process from a later one with the same number.
  package func stat(_ buffer: ReadBuffer) throws(ProcFSError) -> ProcessStat {
    try directory.read("stat", into: buffer, parse: ProcessStat.parse)
  }

  /// The network namespace that the process is in. Asking needs the right to trace the process (ptrace(2), PTRACE_MODE_READ_FSCREDS).
  package func networkNamespace() throws(ProcFSError) -> NamespaceNumber {
    try namespaces.number("net")
  }

  /// The same, held. It needs the same right.
  package func holdNetworkNamespace() throws(ProcFSError) -> NetworkNamespace {
    try NetworkNamespace(in: directory, name: "ns/net")
  }

  package func sockstat(_ buffer: ReadBuffer) throws(ProcFSError) -> FieldTable<Sockstat> {
    try directory.read("net/sockstat", into: buffer, parse: Sockstat.parse)
  }

  /// Opens the files that tell of the namespace which the process is in now.
  package func networkFiles() throws(ProcFSError) -> NetworkFiles {
    try NetworkFiles(in: directory)
  }

  /// Counts what `/proc/<pid>/net/tcp` lists, or `tcp6`.
  package func countTCP(_ family: SocketCounts.Family, into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    var table = SocketTable()
    try directory.readLines(family == .ipv4 ? "net/tcp" : "net/tcp6", into: buffer) { bytes throws(MalformedFile) in
      try table.countTCP(bytes, family, into: &counts)
    }
  }

  /// Counts what `/proc/<pid>/net/udp` lists, or `udp6`.
  package func countUDP(_ family: SocketCounts.Family, into counts: inout SocketCounts, _ buffer: ReadBuffer) throws(ProcFSError) {
    var table = SocketTable()
    try directory.readLines(family == .ipv4 ? "net/udp" : "net/udp6", into: buffer) { bytes throws(MalformedFile) in
      try table.countUDP(bytes, family, into: &counts)
    }
  }
}
