internal import ArgumentParser
internal import Primitives

/// `rollcall`: the controller, the commands that ask it, the demo and the simulator.
@main
struct RollcallCommand: AsyncParsableCommand {
  /// kubectl runs `kubectl-rollcall` as `kubectl rollcall`.
  private static let name = CommandLine.arguments.first?.split(separator: "/").last == "kubectl-rollcall" ? "kubectl rollcall" : "rollcall"

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Call the roll of every container in a Kubernetes cluster and report which did not answer, for how long, and why.",
    discussion: """
      Begin with the question that you have:

        \(name) gaps -A                  what is not monitored, and why
        \(name) explain pod/NAME -n NS   why Prometheus scrapes a Pod, or not
        \(name) doctor                   what is wrong with the installation
        \(name) demo                     try it here, without a cluster

      Exit status of queries: 0 nothing found, 1 something found, 2 the controller could not be asked, 64 a wrong argument.
      """,
    version: ProductVersion.current,
    subcommands: [ControllerCommand.self, DemoCommand.self, SimulateCommand.self, DemoContainerCommand.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Query",
        subcommands: [
          DoctorCommand.self, ExplainCommand.self, GapsCommand.self, NodesCommand.self, CoverageCommand.self, TargetsCommand.self,
          PolicyCommand.self,
        ])
    ])
}
