internal import ArgumentParser
internal import Primitives

/// `rollcall`: the controller, the demo and the simulator.
@main
struct RollcallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollcall",
    abstract: "Call the roll of every container in a Kubernetes cluster and report which did not answer, for how long, and why.",
    version: ProductVersion.current,
    subcommands: [ControllerCommand.self, DemoCommand.self, SimulateCommand.self, DemoContainerCommand.self])
}
