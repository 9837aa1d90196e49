internal import Subprocess

/// `kubectl port-forward` to the controller that leads. It ends with the command, also if that is killed, because that closes its pipe.
struct PortForward {
  /// Of kubectl, for the cluster.
  var options: [String]
  /// Of the controller.
  var namespace: String

  /// A shell that runs kubectl and sends it TERM at the end of its own standard input. It does not report that kubectl was terminated.
  private static let guardian = """
    exec 3<&0
    kubectl "$@" 3<&- </dev/null &
    child=$!
    (read -r nothing <&3; kill $child) >/dev/null 2>&1 &
    wait $child 2>/dev/null
    """

  /// Runs `body` with the URL of the forwarded port.
  /// - Throws: `QueryFailure`. What kubectl has to say is on standard error by then.
  func run<Result: Sendable>(_ body: (_ url: String) async throws -> Result) async throws -> Result {
    let leader = try await leader()
    // The port of the manifest, by its name; a free one here.
    let arguments = options + ["--namespace", namespace, "port-forward", "pod/\(leader)", ":http"]
    do {
      return try await Subprocess.run(
        .name("sh"), arguments: Arguments(["-c", Self.guardian, "sh"] + arguments), input: .inputWriter, output: .sequence,
        error: .currentStandardError
      ) { execution in
        var lines = execution.standardOutput.strings().makeAsyncIterator()
        while let line = try await lines.next() {
          guard let address = Self.address(in: line) else { continue }
          do {
            let result = try await body("http://\(address)")
            try await execution.standardInputWriter.finish()
            return result
          } catch {
            try await execution.standardInputWriter.finish()
            throw error
          }
        }
        throw QueryFailure("kubectl port-forward to pod \(leader) in namespace \(namespace) failed; or use --server")
      }.closureResult
    } catch let error as SubprocessError {
      throw QueryFailure("sh cannot be run: \(error)")
    }
  }

  /// The name of the Pod that leads: the holder of the Lease.
  private func leader() async throws -> String {
    let arguments =
      options + ["--namespace", namespace, "get", "lease", "rollcall-controller", "--output", "jsonpath={.spec.holderIdentity}"]
    do {
      let result = try await Subprocess.run(
        .name("kubectl"), arguments: Arguments(arguments), output: .string(limit: 4096), error: .currentStandardError)
      guard result.terminationStatus.isSuccess else {
        throw QueryFailure("kubectl cannot read the Lease rollcall-controller in namespace \(namespace); see --controller-namespace")
      }
      let holder = result.standardOutput.split(whereSeparator: \.isWhitespace).joined()
      guard !holder.isEmpty else { throw QueryFailure("no controller leads in namespace \(namespace)") }
      return holder
    } catch let error as SubprocessError {
      throw QueryFailure("kubectl cannot be run (\(error)); install it, or use --server")
    }
  }

  /// The address in `Forwarding from 127.0.0.1:40123 -> 9750`.
  static func address(in line: String) -> Substring? {
    let words = line.split(separator: " ")
    guard words.count >= 4, words[0] == "Forwarding", words[1] == "from", words[3] == "->" else { return nil }
    return words[2]
  }
}
