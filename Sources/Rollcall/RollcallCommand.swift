internal import ArgumentParser

/// `rollcall`: the controller, and what helps to try it out.
@main
struct RollcallCommand: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "rollcall",
    abstract: "Calls the roll of every container in a Kubernetes cluster, and says which did not answer, for how long, and why.",
    version: version,
    subcommands: [ControllerCommand.self, DemoCommand.self, SimulateCommand.self, DemoContainerCommand.self])
}
