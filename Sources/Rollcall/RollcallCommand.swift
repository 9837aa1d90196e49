internal import ArgumentParser
internal import Primitives

/// `rollcall`: the controller, the commands that ask it, the demo and the simulator.
@main
struct RollcallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollcall",
    abstract: "Call the roll of every container in a Kubernetes cluster and report which did not answer, for how long, and why.",
    version: ProductVersion.current,
    subcommands: [ControllerCommand.self, DemoCommand.self, SimulateCommand.self, DemoContainerCommand.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Questions to a running controller:",
        subcommands: [ExplainCommand.self, GapsCommand.self, NodesCommand.self, CoverageCommand.self, TargetsCommand.self])
    ])
}
