import ProcFS
import Testing

struct NetworkFileTests {
  @Test func `sockstat gives what the namespace had`() throws {
    let sockstat = try Fixture.procFS.process(4242).sockstat(ReadBuffer())
    #expect(sockstat[.socketsUsed] == 126)
    #expect(sockstat[.tcpInUse] == 105)
    #expect(sockstat[.tcpTimeWait] == 3)
    #expect(sockstat[.udpInUse] == 8)
    #expect(sockstat[.rawInUse] == 1)
    #expect(sockstat[.fragmentBytes] == 0)
    #expect(sockstat[.hostTCPOrphans] == 0)
    #expect(sockstat[.hostTCPAllocated] == 249)
    #expect(sockstat[.hostTCPMemoryPages] == 114)
    #expect(sockstat[.hostUDPMemoryPages] == 0)
  }

  @Test func `sockstat6 gives what the namespace had`() throws {
    let sockstat6 = try Fixture.procFS.process(4242).sockstat6(ReadBuffer())
    #expect(sockstat6[.tcpInUse] == 11)
    #expect(sockstat6[.udpInUse] == 1)
    #expect(sockstat6[.rawInUse] == 0)
  }

  @Test func `snmp gives TCP's and UDP's counters, with the keys that both have kept apart`() throws {
    let snmp = try Fixture.procFS.process(4242).snmp(ReadBuffer())
    #expect(snmp[.tcpActiveOpens] == 48)
    #expect(snmp[.tcpCurrEstab] == 90)
    #expect(snmp[.tcpOutSegs] == 153)
    #expect(snmp[.udpNoPorts] == 1)
    #expect(snmp[.udpOutDatagrams] == 1)
    let apart = try parse("Tcp: InCsumErrors\nTcp: 7\nUdp: InCsumErrors\nUdp: 9\nUdpLite: InCsumErrors\nUdpLite: 11\n", SNMP.parse)
    #expect(apart[.tcpInCsumErrors] == 7)
    #expect(apart[.udpInCsumErrors] == 9)
  }

  @Test func `every field of the captured files is known`() throws {
    let process = try Fixture.procFS.process(4242)
    let buffer = ReadBuffer()
    let sockstat = try process.sockstat(buffer)
    let sockstat6 = try process.sockstat6(buffer)
    let snmp = try process.snmp(buffer)
    #expect(Sockstat.allCases.allSatisfy { sockstat[$0] != nil })
    #expect(Sockstat6.allCases.allSatisfy { sockstat6[$0] != nil })
    #expect(SNMP.allCases.allSatisfy { snmp[$0] != nil })
  }

  @Test func `a field that the kernel does not have is absent, one that we do not know is passed over`() throws {
    let sockstat = try parse("sockets: used 3\nTCP: inuse 1 novel 5\nMPTCP: inuse 4\n", Sockstat.parse)
    #expect(sockstat[.tcpInUse] == 1)
    #expect(sockstat[.udpInUse] == nil)
  }

  @Test func `negative numbers and a missing last line feed are read`() throws {
    #expect(try parse("TCP: inuse -1", Sockstat.parse)[.tcpInUse] == -1)
  }

  @Test(arguments: [
    ("", 1, "empty"),
    ("sockets used 3\n", 1, "colon"),
    ("sockets: used 3\nTCP: inuse\n", 2, "no value after inuse"),
    ("sockets: used 3\nTCP: inuse many\n", 2, "inuse is many"),
    ("TCP: inuse 99999999999999999999\n", 1, "not a number"),
  ])
  func `a malformed sockstat names the line`(text: String, line: Int, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parse(text, Sockstat.parse) }
    #expect(error.line == line)
    #expect(error.reason.contains(reason))
  }

  @Test(arguments: [
    ("", 1, "empty"),
    ("Tcp: InSegs\n", 1, "no line of values"),
    ("Tcp: InSegs\nUdp: 1\n", 2, "not the values of Tcp"),
    ("Tcp: InSegs OutSegs\nTcp: 1\n", 2, "no value of OutSegs"),
    ("Tcp: InSegs\nTcp: 1 2\n", 2, "more values"),
    ("Tcp: InSegs\nTcp: x\n", 2, "InSegs is x"),
  ])
  func `a malformed snmp names the line`(text: String, line: Int, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parse(text, SNMP.parse) }
    #expect(error.line == line)
    #expect(error.reason.contains(reason))
  }
}
