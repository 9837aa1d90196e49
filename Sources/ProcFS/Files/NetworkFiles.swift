/// The files of `/proc/<pid>/net` that tell of the whole network namespace, open.
package final class NetworkFiles {
  private let sockstatFile: HeldFile
  /// `nil` on a kernel without IPv6.
  private let sockstat6File: HeldFile?
  private let snmpFile: HeldFile
  private let netstatFile: HeldFile
  private let devicesFile: HeldFile

  /// How many descriptors one takes at most.
  package static let descriptors = 5

  init(in directory: borrowing Directory) throws(ProcFSError) {
    do {
      sockstat6File = try HeldFile(in: directory, name: "net/sockstat6")
    } catch let error where error.isGone {
      sockstat6File = nil
    }
    snmpFile = try HeldFile(in: directory, name: "net/snmp")
    netstatFile = try HeldFile(in: directory, name: "net/netstat")
    devicesFile = try HeldFile(in: directory, name: "net/dev", isList: true)
    sockstatFile = try HeldFile(in: directory, name: "net/sockstat")
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
