import Foundation
import ProcFS
import Testing

/// Captured from Linux 6.18, in a network namespace with 25 listening and 40 established connections over IPv4 and a few sockets more.
enum Fixture {
  static func path(_ name: String) throws -> String {
    try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)").path
  }

  static var procFS: ProcFS {
    get throws { ProcFS(root: try path("proc")) }
  }
}

/// Runs a parser over text.
func parse<Value>(
  _ text: String, _ parser: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
) throws(MalformedFile) -> Value {
  let bytes = Array(text.utf8)
  let result: Result<Value, MalformedFile> = bytes.withUnsafeBytes { bytes in
    do throws(MalformedFile) { return .success(try parser(bytes)) } catch { return .failure(error) }
  }
  return try result.get()
}
