internal import Subprocess

/// A child process of the demo. It ends gracefully when the task is cancelled, and also if the demo is killed, because that closes its
/// pipe.
struct ChildProcess {
  var executable: String
  var arguments: [String]

  /// A shell that runs the program, forwards TERM to it, and sends it TERM at the end of its own standard input. The end of the shell's
  /// standard output marks the exit of the program, whose output goes to our standard error.
  private static let guardian = """
    exec 3<&0
    "$@" 3<&- </dev/null >&2 &
    child=$!
    trap 'kill $child' TERM
    (read -r nothing <&3; kill $child) >&2 2>/dev/null &
    wait $child; status=$?
    if kill -0 $child 2>/dev/null; then wait $child; status=$?; fi
    exit $status
    """

  /// Runs the program until it exits or the task is cancelled.
  func run() async throws -> TerminationStatus {
    var options = PlatformOptions()
    options.createSession = true  // Ctrl-C reaches only the demo, which then stops its children in order
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
    return try await Subprocess.run(
      .name("sh"), arguments: Arguments(["-c", Self.guardian, "sh", executable] + arguments), platformOptions: options,
      input: .inputWriter, output: .sequence, error: .currentStandardError
    ) { execution in
      for try await _ in execution.standardOutput {}
    }.terminationStatus
  }
}
