#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The target that the variable FUZZ_TARGET names.
private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    print("FUZZ_TARGET has to be one of: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))")
    exit(2)
  }
  return target
}()

/// Called by libFuzzer with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  if let problem = target.problem(with: Array(UnsafeBufferPointer(start: start, count: count))) {
    fatalError("\(target.rawValue): \(problem)")
  }
  return 0
}

/// Called by libFuzzer once. Writes the samples that mutation starts from into the folder that FUZZ_SAMPLES names.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ argumentCount: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
  guard let folder = getenv("FUZZ_SAMPLES").map({ String(cString: $0) }) else { return 0 }
  for (number, sample) in target.samples.enumerated() {
    guard let file = fopen("\(folder)/sample-\(number)", "w") else {
      print("cannot write to \(folder)")
      exit(2)
    }
    fwrite(sample, 1, sample.count, file)
    fclose(file)
  }
  return 0
}
