/// Tells a process's root directory from every other directory of this machine.
package struct RootDirectory: Hashable, Sendable {
  private var device: UInt64
  private var inode: UInt64

  init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }
}
