import Primitives
import TestSupport
import Testing

@testable import KubeClient

/// A state machine under test, with a manual clock and seeded jitter.
struct ScriptedMachine {
  typealias Subject = WatchStateMachine<NodeRecord>

  var subject: Subject
  var now: Duration = .zero
  var random = SplitMix64(seed: 1)
  var last: Subject.Action

  init(policy: WatchPolicy = pagedLists) {
    subject = Subject(policy: policy)
    last = subject.start(at: now, random: &random)
  }

  /// The standard policy without initial events.
  static var pagedLists: WatchPolicy {
    var policy = WatchPolicy()
    policy.usesInitialEvents = false
    return policy
  }

  /// Returns a machine with an open watch, after a list of one Node at this version.
  static func watching(from version: String = "10") throws -> ScriptedMachine {
    var machine = ScriptedMachine()
    machine.receivePage(["a"], version)
    machine.handle(.published)
    try machine.expectWatch(from: version)
    machine.handle(.watch(.opened))
    return machine
  }

  struct Unexpected: Error {}
}

// MARK: Events

extension ScriptedMachine {
  @discardableResult
  mutating func handle(_ event: Subject.Event, after delay: Duration = .zero) -> Subject.Action {
    now += delay
    last = subject.handle(event, at: now, random: &random)
    return last
  }

  mutating func receivePage(_ names: [String], _ version: String, token: String? = nil) {
    let records = names.map { NodeRecord(name: $0, resourceVersion: version) }
    handle(.list(.page(RecordPage(records: records, resourceVersion: version, continueToken: token))))
  }

  @discardableResult
  mutating func receivePut(_ name: String, _ version: String, after delay: Duration = .zero) -> Subject.Action {
    handle(.read(.changes([.put(NodeRecord(name: name, resourceVersion: version))], resourceVersion: version)), after: delay)
  }

  /// Fails the last action.
  mutating func fail(_ failure: WatchFailure, after delay: Duration = .zero, _ location: SourceLocation = #_sourceLocation) {
    switch last {
    case .list: handle(.list(.failed(failure)), after: delay)
    case .watch, .watchInitially: handle(.watch(.failed(failure)), after: delay)
    case .read: handle(.read(.failed(failure)), after: delay)
    case .check: handle(.check(.failed(failure)), after: delay)
    case .publish, .wait: Issue.record("\(last) cannot fail", sourceLocation: location)
    }
  }

  mutating func fail(_ code: Int, _ reason: String = "", message: String = "", causes: [String] = [], retryAfter: Duration? = nil) {
    fail(.status(APIStatus(code: code, reason: reason, message: message, causes: causes, retryAfter: retryAfter)))
  }

  /// Lets the limit of the last action pass.
  mutating func stall(after delay: Duration = .zero, _ location: SourceLocation = #_sourceLocation) {
    switch last {
    case .watchInitially: handle(.watch(.stalled), after: delay)
    case .read: handle(.read(.stalled), after: delay)
    default: Issue.record("\(last) cannot stall", sourceLocation: location)
    }
  }

  /// Expects a wait, lets it pass, and returns its duration.
  @discardableResult
  mutating func wait(_ location: SourceLocation = #_sourceLocation) throws -> Duration {
    guard case .wait(let duration) = last else {
      Issue.record("expected a wait, got \(last)", sourceLocation: location)
      throw Unexpected()
    }
    handle(.waited, after: duration)
    return duration
  }
}

// MARK: Expected actions

extension ScriptedMachine {
  func expectWatch(from version: String, _ location: SourceLocation = #_sourceLocation) throws {
    guard case .watch(let from, let seconds) = last else {
      Issue.record("expected a watch, got \(last)", sourceLocation: location)
      throw Unexpected()
    }
    #expect(from == version, sourceLocation: location)
    #expect((300...600).contains(seconds), sourceLocation: location)
  }

  func expectList(continue token: String? = nil, limit: Int? = 500, _ location: SourceLocation = #_sourceLocation) throws {
    guard case .list(let found, let foundLimit) = last else {
      Issue.record("expected a list, got \(last)", sourceLocation: location)
      throw Unexpected()
    }
    #expect(found == token, sourceLocation: location)
    #expect(foundLimit == limit, sourceLocation: location)
  }

  func expectRead(_ location: SourceLocation = #_sourceLocation) {
    guard case .read = last else {
      Issue.record("expected a read, got \(last)", sourceLocation: location)
      return
    }
  }

  func expectRead(within limit: Duration?, _ location: SourceLocation = #_sourceLocation) {
    guard case .read(limit) = last else {
      Issue.record("expected a read within \(String(describing: limit)), got \(last)", sourceLocation: location)
      return
    }
  }

  func expectCheck(of version: String, _ location: SourceLocation = #_sourceLocation) {
    guard case .check(version) = last else {
      Issue.record("expected a check of \(version), got \(last)", sourceLocation: location)
      return
    }
  }

  func expectAll(_ names: [String], _ location: SourceLocation = #_sourceLocation) {
    guard case .publish(.all(let records)) = last else {
      Issue.record("expected a whole list, got \(last)", sourceLocation: location)
      return
    }
    #expect(records.map(\.name) == names, sourceLocation: location)
  }
}
