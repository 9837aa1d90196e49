import Foundation
import ProcFS

/// Files captured from Linux 6.18, in a network namespace with 25 listening TCP sockets, 40 connections over IPv4 and a few other sockets.
enum Fixture {
  static func path(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/\(name)").path
  }

  static var procFS: ProcFS { ProcFS(root: path("proc")) }
}

/// Runs a parser on text.
func parseText<Value>(
  _ text: String, _ parser: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
) throws(MalformedFile) -> Value {
  let bytes = Array(text.utf8)
  let result: Result<Value, MalformedFile> = bytes.withUnsafeBytes { bytes in
    do throws(MalformedFile) { return .success(try parser(bytes)) } catch { return .failure(error) }
  }
  return try result.get()
}
