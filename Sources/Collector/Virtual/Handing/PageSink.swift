/// Who is handed the pages of virtual nodes as they arrive, beside the pages that are held to be served. Calls come from many tasks at
/// once, those about one page one after the other; they return soon and wait for nobody.
package protocol PageSink: Sendable {
  /// A page arrived, and is sound as a whole.
  func take(_ page: CollectedPage, _ key: VirtualPages.Key, of node: String)
  /// A round has ended: of the node, the pages under other keys are of pods that are gone.
  func retain(_ keys: Set<VirtualPages.Key>, of node: String)
  /// The node is gone.
  func forget(_ node: String)
}
