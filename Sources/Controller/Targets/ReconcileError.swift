/// Why the objects of a source are not as they should be.
package enum ReconcileError: Error, CustomStringConvertible {
  /// Another replica leads now: nothing more is written.
  case notLeading
  /// Some objects could not be written or deleted; the others were.
  case write(failed: Int, of: Int, first: String)

  package var description: String {
    switch self {
    case .notLeading: "not leading any more"
    case .write(let failed, let all, let first): "\(failed) of \(all) changes failed, the first of them: \(first)"
    }
  }
}
