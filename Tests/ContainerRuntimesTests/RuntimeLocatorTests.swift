import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Synchronization
import Testing

@testable import ContainerRuntimes

/// The locator's behaviour with a faulty runtime.
struct RuntimeLocatorTests {
  private let buffer = ReadBuffer()
  private let ids = ["a", "b", "c"].compactMap { ContainerID(String(repeating: $0, count: 64)) }

  @Test func `an invalid response about one container does not affect the others`() {
    let invalid = ProcFSError.unexpectedResponse(path: "/socket", reason: "invalid")
    let runtime = ScriptedRuntime(ids) { [ids] id throws(ProcFSError) in
      if id == ids[0] { throw invalid }
      return getpid()
    }
    let location = RuntimeLocator(runtime, procFS: ProcFS()).locate(buffer)
    #expect(location.containers.map(\.processes.count) == [0, 1, 1])
    #expect(location.problems == [invalid])
  }

  @Test func `a runtime that stops responding is waited for once, and its containers are still found`() {
    let hangs = Mutex(false)
    let timeout = ProcFSError.system(.connect, path: "/socket", code: ETIMEDOUT)
    let runtime = ScriptedRuntime(ids) { _ throws(ProcFSError) in
      if hangs.withLock({ $0 }) { throw timeout }
      return nil
    }
    let locator = RuntimeLocator(runtime, procFS: ProcFS())
    #expect(locator.locate(buffer).problems.isEmpty)
    runtime.calls.withLock { $0 = 0 }
    hangs.withLock { $0 = true }
    let location = locator.locate(buffer)
    #expect(location.containers.map(\.id) == ids)
    #expect(location.problems == [timeout])
    for container in location.containers { #expect(locator.processes(of: container, buffer).isEmpty) }
    #expect(runtime.calls.withLock { $0 } == 1)
  }
}

/// A runtime whose processes come from a closure.
private final class ScriptedRuntime: ContainerRuntime, Sendable {
  let socket = "/socket"
  /// The number of queries for a process.
  let calls = Mutex(0)
  private let ids: [ContainerID]
  private let process: @Sendable (ContainerID) throws(ProcFSError) -> Int32?

  init(_ ids: [ContainerID], process: @escaping @Sendable (ContainerID) throws(ProcFSError) -> Int32?) {
    self.ids = ids
    self.process = process
  }

  func containers() -> [RunningContainer] {
    ids.map { RunningContainer(id: $0, podUID: nil, role: .application) }
  }

  func process(of id: ContainerID) throws(ProcFSError) -> Int32? {
    calls.withLock { $0 += 1 }
    return try process(id)
  }
}
