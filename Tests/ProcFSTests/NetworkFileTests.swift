import ProcFS
import Testing

struct NetworkFileTests {
  @Test func `sockstat of a captured namespace is parsed`() throws {
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

  @Test func `sockstat6 of a captured namespace is parsed`() throws {
    let sockstat6 = try Fixture.procFS.process(4242).networkFiles().sockstat6(ReadBuffer())
    #expect(sockstat6?[.tcpInUse] == 11)
    #expect(sockstat6?[.udpInUse] == 1)
    #expect(sockstat6?[.rawInUse] == 0)
  }

  @Test func `snmp is parsed, and keys that TCP and UDP share are kept apart`() throws {
    var layout = HeaderLayout<SNMP>()
    let snmp = try Fixture.procFS.process(4242).networkFiles().snmp(ReadBuffer(), &layout)
    #expect(snmp[.tcpActiveOpens] == 48)
    #expect(snmp[.tcpCurrEstab] == 90)
    #expect(snmp[.tcpOutSegs] == 153)
    #expect(snmp[.udpNoPorts] == 1)
    #expect(snmp[.udpOutDatagrams] == 1)
    let apart = try parseText("Tcp: InCsumErrors\nTcp: 7\nUdp: InCsumErrors\nUdp: 9\nUdpLite: InCsumErrors\nUdpLite: 11\n", SNMP.parse)
    #expect(apart[.tcpInCsumErrors] == 7)
    #expect(apart[.udpInCsumErrors] == 9)
  }

  @Test func `the captured files have every field`() throws {
    let process = try Fixture.procFS.process(4242)
    let buffer = ReadBuffer()
    let sockstat = try process.sockstat(buffer)
    let sockstat6 = try process.networkFiles().sockstat6(buffer)
    var layout = HeaderLayout<SNMP>()
    let snmp = try process.networkFiles().snmp(buffer, &layout)
    #expect(Sockstat.allCases.allSatisfy { sockstat[$0] != nil })
    #expect(Sockstat6.allCases.allSatisfy { sockstat6?[$0] != nil })
    #expect(SNMP.allCases.allSatisfy { snmp[$0] != nil })
  }

  @Test func `a field that the kernel lacks is absent, and an unknown one is ignored`() throws {
    let sockstat = try parseText("sockets: used 3\nTCP: inuse 1 novel 5\nMPTCP: inuse 4\n", Sockstat.parse)
    #expect(sockstat[.tcpInUse] == 1)
    #expect(sockstat[.udpInUse] == nil)
  }

  @Test func `negative numbers and a missing final line feed are accepted`() throws {
    #expect(try parseText("TCP: inuse -1", Sockstat.parse)[.tcpInUse] == -1)
  }

  @Test(arguments: [
    ("", 1, "empty"),
    ("sockets used 3\n", 1, "colon"),
    ("sockets: used 3\nTCP: inuse\n", 2, "no value after inuse"),
    ("sockets: used 3\nTCP: inuse many\n", 2, "inuse is many"),
    ("TCP: inuse 99999999999999999999\n", 1, "not a number"),
  ])
  func `a malformed sockstat is rejected with the line number`(text: String, line: Int, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, Sockstat.parse) }
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
  func `a malformed snmp is rejected with the line number`(text: String, line: Int, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, SNMP.parse) }
    #expect(error.line == line)
    #expect(error.reason.contains(reason))
  }

  @Test func `netstat is parsed, and counters that the kernel removed are absent`() throws {
    var layout = HeaderLayout<Netstat>()
    let netstat = try Fixture.procFS.process(4242).networkFiles().netstat(ReadBuffer(), &layout)
    #expect(netstat[.listenOverflows] == 6)
    #expect(netstat[.listenDrops] == 8)
    #expect(netstat[.tcpTimeouts] == 11)
    #expect(netstat[.tcpSynRetrans] == 5)
    // Removed in Linux 4.15.
    #expect(netstat[.tcpFACKReorder] == nil)
    #expect(Netstat.allCases.filter { netstat[$0] == nil } == [.tcpFACKReorder])
  }

  @Test func `cached and new header lines are parsed alike`() throws {
    var layout = HeaderLayout<SNMP>()
    func read(_ text: String) throws(MalformedFile) -> FieldTable<SNMP> {
      try parseText(text) { bytes throws(MalformedFile) in try layout.parse(bytes) }
    }
    #expect(try read("Tcp: InSegs OutSegs\nTcp: 1 2\n")[.tcpOutSegs] == 2)
    #expect(try read("Tcp: InSegs OutSegs\nTcp: 3 4\n")[.tcpOutSegs] == 4)
    let other = try read("Tcp: OutSegs InSegs\nTcp: 5 6\nUdp: NoPorts\nUdp: 7\n")
    #expect(other[.tcpOutSegs] == 5)
    #expect(other[.udpNoPorts] == 7)
    #expect(try read("Tcp: InSegs OutSegs\nTcp: 8 9\n")[.udpNoPorts] == nil)
    let error = try #require(throws: MalformedFile.self) { try read("Tcp: InSegs OutSegs\nTcp: 8 y\n") }
    #expect(error == MalformedFile(line: 2, reason: "OutSegs is y, not a number"))
  }

  @Test func `net dev lists the interfaces without loopback and fallback tunnels`() throws {
    let devices = try Fixture.procFS.process(4242).networkFiles().devices(ReadBuffer())
    #expect(devices.map(\.name) == ["eth0", "net1"])
    let eth0 = try #require(devices.first)
    #expect([eth0.received.bytes, eth0.received.packets, eth0.received.errors, eth0.received.dropped] == [1_234_567, 890, 1, 2])
    #expect([eth0.sent.bytes, eth0.sent.packets, eth0.sent.errors, eth0.sent.dropped] == [7_654_321, 987, 3, 4])
  }

  @Test func `a number right after the colon and colons in names are accepted`() throws {
    let text = "Inter-|\n face |\neth0:1:55 2 0 0 0 0 0 0 77 8 0 0 0 0 0 0\n"
    let devices = try parseText(text, NetworkDevices.parse)
    #expect(devices.map(\.name) == ["eth0:1"])
    #expect(devices.first?.received.bytes == 55)
  }

  @Test(arguments: [("", 1, "empty"), ("a\nb\nlo 1 2\n", 3, "colon"), ("a\nb\neth0: 1 2\n", 3, "column 3 of eth0")])
  func `a malformed net dev is rejected with the line number`(text: String, line: Int, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, NetworkDevices.parse) }
    #expect(error.line == line)
    #expect(error.reason.contains(reason))
  }
}
