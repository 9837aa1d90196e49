import JSON
import Primitives
import Roll

/// Writes that other clients undo. People edit and delete objects, so the first few are repeated at once. A policy controller undoes every
/// one: then the object is failing, and the wait before the next write doubles, until a write has lasted.
struct UndoneWrites {
  /// As many are repeated at once, one after the other.
  static let tolerated = 3

  private struct Write {
    var object: DesiredObject
    var at: Moment
    /// How often a write of the object was undone, one after the other.
    var undone = 0
    var isUndone = false
    /// When it was last written because it was undone.
    var repeatedAt: Moment
    var backoff: Backoff
    /// When it may be written again, if it is undone too often.
    var retryAt: Moment?
    var problem = ""

    var isFailing: Bool { undone > UndoneWrites.tolerated }
  }

  private var writes: [ObjectName: Write] = [:]

  /// The objects whose writes are undone too often, with what happens and what to do.
  var problems: [ObjectName: String] { writes.filter { $0.value.isFailing }.mapValues(\.problem) }

  func problem(of name: ObjectName) -> String? { writes[name].flatMap { $0.isFailing ? $0.problem : nil } }

  /// Whether the object is failing although it has what was last written.
  func isOnTrial(_ name: ObjectName) -> Bool { writes[name].map { $0.isFailing && !$0.isUndone } ?? false }

  /// Records a write that the API server has stored.
  mutating func wrote(_ object: DesiredObject, patience: Duration, at now: Moment) {
    let backoff = Backoff(min(.seconds(2), patience)...patience)
    var write = writes[object.name] ?? Write(object: object, at: now, repeatedAt: now, backoff: backoff)
    write.object = object
    write.at = now
    if write.isUndone { write.repeatedAt = now }
    write.isUndone = false
    write.retryAt = nil
    writes[object.name] = write
  }

  mutating func forget(_ name: ObjectName) { writes[name] = nil }

  /// Whether the object may be written although it differs from what was written last.
  /// - Parameter patience: the time that a write must last, and the longest wait.
  mutating func mayRepeat(_ write: ChangePlan.Write, patience: Duration, at now: Moment) -> Bool {
    let name = write.object.name
    guard var last = writes[name], last.object == write.object else { return true }
    if !last.isUndone {
      guard now - last.at < patience else {
        writes[name] = nil
        return true
      }
      last.isUndone = true
      last.undone += 1
      if last.isFailing {
        last.problem = Self.problem(desired: write.json, live: write.live)
        last.retryAt = last.at + last.backoff.failed()
      }
      writes[name] = last
    }
    return last.retryAt.map { now >= $0 } ?? true
  }

  /// Forgets what was undone before a write that has lasted.
  mutating func recover(patience: Duration, at now: Moment) {
    for (name, write) in writes where write.undone > 0 && !write.isUndone && now - write.repeatedAt >= patience { writes[name] = nil }
  }

  /// When a failing object may be written again or has recovered; `nil` without one.
  func nextChange(patience: Duration) -> Moment? {
    writes.values.lazy.filter(\.isFailing).map { $0.isUndone ? $0.retryAt ?? $0.at : $0.repeatedAt + patience }.min()
  }

  private static func problem(desired: JSONValue, live: JSONValue?) -> String {
    guard let live else { return "deleted after each write: find what deletes it, such as a policy controller" }
    let changed = fields(of: desired, notIn: live)
    let managers = managersUpdating(desired, in: live)
    let what = changed.prefix(3).joined(separator: ", ") + (changed.count > 3 ? ", …" : "")
    return
      "changed after each write\(what.isEmpty ? "" : " (\(what))")\(managers.isEmpty ? "" : " by \(managers.joined(separator: ", "))"): "
      + "exempt objects labelled \(ObjectNames.managedBy)=\(ObjectNames.manager) there"
  }
}
