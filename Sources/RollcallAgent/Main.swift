import ArgumentParser
import Dispatch
import Glibc

/// What the process begins with. An asynchronous `main` would begin on a thread of the runtime's, which by then has a heap of its own.
@main
enum Main {
  static func main() {
    Heap.keepSmall()
    // The whole program: nothing stands above it that could wait for it or cancel it.
    Task {
      await AgentCommand.main()
      exit(EXIT_SUCCESS)
    }
    dispatchMain()
  }
}
