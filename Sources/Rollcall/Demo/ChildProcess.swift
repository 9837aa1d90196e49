internal import Subprocess

/// A program of the demo's, which ends when the demo does: in good order when the task is cancelled, and also if the demo is killed, because
/// the pipe that the demo holds then closes.
struct ChildProcess {
  var executable: String
  var arguments: [String]

  /// A shell stands between, which passes TERM on and sends it when its standard input ends. Its own standard output says by its end that
  /// the program has ended; what the program writes goes to our standard error.
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

  /// Runs it to its end; returns how it ended.
  func run() async throws -> TerminationStatus {
    var options = PlatformOptions()
    options.createSession = true  // Ctrl-C is for the demo, which then ends its children in order
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
    return try await Subprocess.run(
      .name("sh"), arguments: Arguments(["-c", Self.guardian, "sh", executable] + arguments), platformOptions: options,
      input: .inputWriter, output: .sequence, error: .currentStandardError
    ) { execution in
      for try await _ in execution.standardOutput {}
    }.terminationStatus
  }
}
