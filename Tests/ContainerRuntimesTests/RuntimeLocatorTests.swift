import Foundation
import LinuxCollector
import Primitives
import ProcFS
import Roll
import Synchronization
import TestSupport
import Testing

@testable import ContainerRuntimes

/// The locator's behaviour with a faulty runtime.
struct RuntimeLocatorTests {
  private let buffer = ReadBuffer()
  private let ids = ["a", "b", "c"].compactMap { ContainerID(String(repeating: $0, count: 64)) }

  @Test func `an invalid response about one container does not affect the others`() {
    let invalid = ProcFSError.unexpectedResponse(path: "/socket", reason: "invalid")
    let runtime = ScriptedRuntime(ids.map { RunningContainer(id: $0, podUID: nil, role: .application) }) { [ids] id throws(ProcFSError) in
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
    let runtime = ScriptedRuntime(ids.map { RunningContainer(id: $0, podUID: nil, role: .application) }) { _ throws(ProcFSError) in
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

  @Test func `R74: containers that share the process of their pod's sandbox have none on the host`() throws {
    let (first, second, pod) = (ids[0], ids[1], ids[2])
    func runtime(sandbox: Int32?, _ processes: [ContainerID: Int32]) -> ScriptedRuntime {
      ScriptedRuntime([first, second].map { RunningContainer(id: $0, podUID: "uid-1", role: .application, sandbox: pod) }) {
        id throws(ProcFSError) in id == pod ? sandbox : processes[id]
      }
    }
    let folder = try TemporaryFolder()
    let program = try ExternalProgram("sleep", ["600"], log: "\(folder.path)/log")
    defer { program.stop() }
    let entries = [first, second].map {
      RollEntry(
        reference: ContainerReference(namespace: "shop", pod: "web", container: $0.short), podUID: "uid-1", containerID: $0.description,
        hostNetwork: false)
    }
    func sandboxed(_ runtime: ScriptedRuntime) -> SandboxedPods {
      // Long after the program has started.
      let sweeper = LinuxSweeper(
        procFS: ProcFS(), locator: RuntimeLocator(runtime, procFS: ProcFS()), now: { Moment(milliseconds: .max / 2) })
      let sweep = sweeper.sweep()
      return sweeper.sandboxedPods(of: sweep.podsWithoutProcess(on: entries), on: entries)
    }
    #expect(
      sandboxed(runtime(sandbox: program.processIdentifier, [first: program.processIdentifier, second: program.processIdentifier])).settled
        == ["uid-1"])
    #expect(
      sandboxed(runtime(sandbox: program.processIdentifier, [first: getpid(), second: getpid()])) == SandboxedPods(), "a pause container")
    #expect(
      sandboxed(runtime(sandbox: nil, [first: program.processIdentifier, second: getpid()])) == SandboxedPods(), "no pause container")
    #expect(sandboxed(runtime(sandbox: program.processIdentifier, [:])) == SandboxedPods(), "its containers have ended")
  }
}

/// A runtime whose processes come from a closure.
private final class ScriptedRuntime: ContainerRuntime, Sendable {
  let socket = "/socket"
  /// The number of queries for a process.
  let calls = Mutex(0)
  private let running: [RunningContainer]
  private let process: @Sendable (ContainerID) throws(ProcFSError) -> Int32?

  init(_ running: [RunningContainer], process: @escaping @Sendable (ContainerID) throws(ProcFSError) -> Int32?) {
    self.running = running
    self.process = process
  }

  func containers() -> [RunningContainer] { running }

  func process(of id: ContainerID) throws(ProcFSError) -> Int32? {
    calls.withLock { $0 += 1 }
    return try process(id)
  }

  func process(ofSandbox id: ContainerID) throws(ProcFSError) -> Int32? { try process(id) }
}
