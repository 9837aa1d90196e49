/// A root directory for a process that stands for a container's first one: a process in the machine's is taken for its runtime's.
package enum OwnRoot {
  /// A shell script that runs another one in a root directory with all that the machine's has, in which files have the same paths. It is
  /// for a mount namespace of its own, and needs root.
  /// - Parameters:
  ///   - root: where the directory is made.
  ///   - file: the path of the other script.
  package static func script(at root: String, running file: String) -> String {
    """
    set -e
    mkdir '\(root)'
    mount -t tmpfs none '\(root)'
    for entry in /*; do
      if [ -L "$entry" ]; then
        cp -P "$entry" '\(root)/'
      elif [ -d "$entry" ]; then
        mkdir '\(root)'"$entry"
        mount --rbind "$entry" '\(root)'"$entry"
      fi
    done
    exec chroot '\(root)' sh '\(file)'
    """
  }
}
