internal import Foundation

/// The path of an executable of this package, as the same build that made the running tests left it.
///
/// Throws if it was not built: `swift build` makes all of them, `swift build --target …` does not.
package func builtExecutable(_ name: String) throws(ExternalProgramError) -> String {
  let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  let path = folder.appendingPathComponent(name).path
  guard FileManager.default.isExecutableFile(atPath: path) else {
    throw ExternalProgramError(description: "\(name) is not in \(folder.path): run swift build first")
  }
  return path
}
