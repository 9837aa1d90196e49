internal import Glibc

/// The files of `/proc/<pid>/net` with the network namespace's totals, kept open.
package final class NetworkFiles {
  private let sockstatFile: OpenFile
  /// `nil` on a kernel without IPv6.
  private let sockstat6File: OpenFile?
  private let snmpFile: OpenFile
  private let netstatFile: OpenFile
  private let devicesFile: OpenFile

  /// File descriptors that one instance holds open, at most.
  package static let descriptors = 5

  fileprivate init(in directory: borrowing Directory) throws(ProcFSError) {
    do {
      sockstat6File = try OpenFile(in: directory, name: "net/sockstat6")
    } catch let error where error.isGone {
      sockstat6File = nil
    }
    snmpFile = try OpenFile(in: directory, name: "net/snmp")
    netstatFile = try OpenFile(in: directory, name: "net/netstat")
    devicesFile = try OpenFile(in: directory, name: "net/dev", isList: true)
    sockstatFile = try OpenFile(in: directory, name: "net/sockstat")
  }

  package func sockstat(_ buffer: ReadBuffer) throws(ProcFSError) -> FieldTable<Sockstat> {
    try sockstatFile.read(into: buffer, parse: Sockstat.parse)
  }

  package func sockstat6(_ buffer: ReadBuffer) throws(ProcFSError) -> FieldTable<Sockstat6>? {
    try sockstat6File?.read(into: buffer, parse: Sockstat6.parse)
  }

  package func snmp(_ buffer: ReadBuffer, _ layout: inout HeaderLayout<SNMP>) throws(ProcFSError) -> FieldTable<SNMP> {
    try snmpFile.read(into: buffer) { bytes throws(MalformedFile) in try layout.parse(bytes) }
  }

  package func netstat(_ buffer: ReadBuffer, _ layout: inout HeaderLayout<Netstat>) throws(ProcFSError) -> FieldTable<Netstat> {
    try netstatFile.read(into: buffer) { bytes throws(MalformedFile) in try layout.parse(bytes) }
  }

  package func devices(_ buffer: ReadBuffer) throws(ProcFSError) -> [NetworkDevice] {
    try devicesFile.read(into: buffer, parse: NetworkDevices.parse)
  }
}

extension ProcessDirectory {
  /// Opens the network files of the namespace that the process is in now.
  package func networkFiles() throws(ProcFSError) -> NetworkFiles {
    try NetworkFiles(in: directory)
  }
}

/// A kernel file that stays open and is reread from its start; the kernel generates its text for each read.
///
/// For the small files of `/proc/<pid>/net`, opening and closing costs more than reading. An open file stays bound to the network namespace
/// that the process was in, whatever the process does later, and keeps that namespace alive.
private final class OpenFile {
  private let descriptor: CInt
  private let path: String
  private let isList: Bool
  private var isFirstRead = true

  /// - Parameter isList: whether the kernel writes the file line by line, so that one read may not return all of it.
  init(in directory: borrowing Directory, name: String, isList: Bool = false) throws(ProcFSError) {
    self.isList = isList
    descriptor = try directory.open(name)
    path = directory.path + "/" + name
  }

  deinit {
    close(descriptor)
  }

  func read<Value>(
    into buffer: ReadBuffer, parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
  ) throws(ProcFSError) -> Value {
    if isList { return try buffer.fillList(from: descriptor).parsed(path, parse) }
    if !isFirstRead { return try buffer.fillAtOnce(from: descriptor).parsed(path, parse) }
    isFirstRead = false
    return try buffer.fill(from: descriptor).parsed(path, parse)
  }
}
