import Glibc

/// The target named by the environment variable FUZZ_TARGET.
private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    print("FUZZ_TARGET must be one of: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))")
    exit(2)
  }
  return target
}()

/// libFuzzer calls this function with each input; it provides `main` itself. Source: https://llvm.org/docs/LibFuzzer.html
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  if let problem = target.problem(with: Array(UnsafeBufferPointer(start: start, count: count))) {
    fatalError("\(target.rawValue): \(problem)")
  }
  return 0
}
