import Foundation
import ProcFS
import Testing

struct ProcessFileTests {
  @Test func `the start time is found after a command with spaces and parentheses`() throws {
    let stat = try Fixture.procFS.process(4242).stat(ReadBuffer())
    #expect(stat == ProcessStat(startTicks: 987_654, isKernelThread: false))
  }

  @Test func `kernel threads are recognised`() throws {
    let line = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 11 0 0 18446744073709551615\n"
    #expect(try parseText(line, ProcessStat.parse) == ProcessStat(startTicks: 11, isKernelThread: true))
  }

  @Test(arguments: [("", "parentheses"), ("7 (a) S 1 2", "field 9"), ("7 (a) S 1 2 3 4 5 6 7 8 9 10", "field 22")])
  func `a truncated stat is rejected`(text: String, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, ProcessStat.parse) }
    #expect(error.reason.contains(reason))
  }

  @Test func `R86: a process has a number in each PID namespace that it is in`() throws {
    let status = try parseText("Name:\tapp\nState:\tS (sleeping)\nNSpid:\t4242\t17\t1\nThreads:\t2\n", ProcessStatus.parse)
    #expect(status == ProcessStatus(identifiers: [4242, 17, 1]))
    #expect(status.isFirst)
    #expect(try !parseText("NSpid:\t4242\t17\n", ProcessStatus.parse).isFirst)
    #expect(try ProcFS().process(getpid()).status(ReadBuffer()).identifiers.first == getpid())
  }

  @Test(arguments: [("", "no NSpid"), ("Name:\tNSpid:\n", "no NSpid"), ("NSpid:\n", "not a list"), ("NSpid:\t1\tx\n", "not a list")])
  func `a status without the process's numbers is rejected`(text: String, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, ProcessStatus.parse) }
    #expect(error.reason.contains(reason))
  }

  @Test func `a cgroup's processes are listed up to the limit`() throws {
    let cgroup = try Directory(Fixture.path("cgroup"))
    func list(limit: Int) throws -> [Int32] {
      try cgroup.read("cgroup.procs", into: ReadBuffer()) { bytes throws(MalformedFile) in try CgroupProcesses.parse(bytes, limit: limit) }
    }
    #expect(try list(limit: 8) == [4242, 4243, 17])
    #expect(try list(limit: 2) == [4242, 4243])
    #expect(try parseText("4242\n17\n") { bytes throws(MalformedFile) in try CgroupProcesses.contains(17, in: bytes) })
    #expect(try !parseText("4242\n17\n") { bytes throws(MalformedFile) in try CgroupProcesses.contains(42, in: bytes) })
  }

  @Test func `a malformed process list of a cgroup is rejected`() throws {
    let error = try #require(throws: MalformedFile.self) {
      try parseText("17\nx\n") { bytes throws(MalformedFile) in try CgroupProcesses.parse(bytes, limit: 8) }
    }
    #expect(error == MalformedFile(line: 2, reason: "not a process number"))
  }

  @Test(arguments: [("6.18.44-fc-v595\n", 6, 18), ("4.10.0\n", 4, 10), ("3.10.0-1160.el7.x86_64\n", 3, 10), ("5.15-generic\n", 5, 15)])
  func `kernel releases are compared by their first two numbers`(text: String, major: Int64, minor: Int64) throws {
    #expect(try parseText(text, KernelRelease.parse) == KernelRelease(major: major, minor: minor))
    #expect(KernelRelease(major: 4, minor: 9) < KernelRelease(major: 4, minor: 11))
    #expect(KernelRelease(major: 4, minor: 11) < KernelRelease(major: 5, minor: 0))
  }
}
