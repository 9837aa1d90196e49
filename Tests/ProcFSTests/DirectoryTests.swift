import Foundation
import ProcFS
import TestSupport
import Testing

struct DirectoryTests {
  @Test func `a missing process is gone, and the error names its path`() throws {
    let root = Fixture.path("proc")
    let error = try #require(throws: ProcFSError.self) { _ = try Fixture.procFS.process(1) }
    #expect(error.isGone)
    #expect("\(error)".contains("\(root)/1"))
  }

  @Test func `the error of a malformed file names its path and line`() throws {
    let directory = try Directory(Fixture.path("cgroup"))
    let error = try #require(throws: ProcFSError.self) { try directory.read("cgroup.procs", into: ReadBuffer(), parse: Sockstat.parse) }
    #expect("\(error)".hasSuffix("/cgroup/cgroup.procs line 1: no known field in 3 lines"))
    #expect(!error.isGone)
  }

  /// Creates a folder with these files.
  private func folder(_ files: [String: String]) throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rollcall-procfs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (path, text) in files {
      let file = folder.appending(path: path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return folder
  }

  @Test(arguments: [1, 40, 400])
  func `a list file of any number of pages is read whole each time`(interfaces: Int) throws {
    let lines = (1...interfaces).map { "  eth\($0): 1000 2 0 0 0 0 0 0 3000 4 0 0 0 0 0 0\n" }
    let folder = try folder([
      "10/net/dev": "Inter-|   Receive\n face |bytes\n" + lines.joined(), "10/net/sockstat": "", "10/net/snmp": "", "10/net/netstat": "",
    ])
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = try ProcFS(root: folder.path).process(10).networkFiles()
    let buffer = ReadBuffer()
    for _ in 1...2 {
      #expect(try files.devices(buffer).map(\.name) == (1...interfaces).map { "eth\($0)" })
    }
  }

  @Test(arguments: ["net:", "net:[]", "net:[12", "net:[12]]", "net:[x]", "net:[" + String(repeating: "1", count: 80) + "]"])
  func `a link that is not a namespace's is malformed`(text: String) throws {
    let folder = try folder(["10/ns/empty": ""])
    defer { try? FileManager.default.removeItem(at: folder) }
    let link = folder.appending(path: "10/ns/net").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: text)
    let error = try #require(throws: ProcFSError.self) { try ProcFS(root: folder.path).process(10).networkNamespace() }
    #expect(error == .malformed(path: link, line: 1, reason: "not the link of a namespace"))
  }

  @Test func `a file larger than the buffer is read whole`() throws {
    let numbers = (1...20_000).map { "\($0)\n" }.joined()
    let folder = try folder(["cgroup.procs": numbers])
    defer { try? FileManager.default.removeItem(at: folder) }
    let read = try Directory(folder.path).read("cgroup.procs", into: ReadBuffer()) { bytes throws(MalformedFile) in
      try CgroupProcesses.parse(bytes, limit: .max)
    }
    #expect(read == Array(1...20_000))
  }

  @Test(arguments: [1, 4000, 200_000], ["", "the end"])
  func `a file of any size is read in pieces of whole lines`(count: Int, end: String) throws {
    let folder = try TemporaryFolder()
    let text = (1...count).map { "line \($0) of a large file\n" }.joined() + end
    _ = try folder.write(text, to: "file")
    var read = ""
    var pieces: [String] = []
    try Directory(folder.path).readLines("file", into: ReadBuffer()) { bytes in
      pieces.append(String(decoding: bytes, as: UTF8.self))
      read += pieces.last ?? ""
    }
    #expect(read == text)
    #expect(pieces.allSatisfy { $0.utf8.count <= 16 << 10 })
    #expect(pieces.last == "")
    #expect(pieces.dropLast(2).allSatisfy { $0.hasSuffix("\n") })
  }

  @Test func `an endless file is rejected`() throws {
    let error = try #require(throws: ProcFSError.self) {
      try Directory("/dev").read("zero", into: ReadBuffer()) { $0.count }
    }
    #expect(error == .tooLarge(path: "/dev/zero", limit: 4 << 20))
  }

  @Test func `this process's own files are read`() throws {
    let process = try ProcFS().process(getpid())
    let buffer = ReadBuffer()
    #expect(try process.stat(buffer).startTicks > 0)
    #expect(try process.networkNamespace() == process.openNetworkNamespace().number)
    var layout = HeaderLayout<SNMP>()
    #expect(try process.networkFiles().snmp(buffer, &layout)[.tcpInSegs] != nil)
  }

  @Test func `R50: a directory opened before its process ended reads nothing of a later process`() throws {
    var child: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("1000"), nil]
    defer { for argument in arguments { free(argument) } }
    #expect(posix_spawn(&child, "/bin/sleep", nil, nil, &arguments, environ) == 0)
    let process = try ProcFS().process(child)
    let buffer = ReadBuffer()
    _ = try process.stat(buffer)
    kill(child, SIGKILL)
    #expect(waitpid(child, nil, 0) == child)
    for read: () throws -> Void in [
      { _ = try process.stat(buffer) }, { _ = try process.sockstat(buffer) }, { _ = try process.networkNamespace() },
    ] {
      let error = try #require(throws: ProcFSError.self) { try read() }
      #expect(error.isGone)
    }
  }
}
