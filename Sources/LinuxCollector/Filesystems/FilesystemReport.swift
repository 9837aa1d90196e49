package import Primitives
package import ProcFS
package import Roll

/// The result of one probe of the file systems of all containers.
package struct FilesystemReport: Hashable, Sendable {
  /// Sorted by ID, without the pods' pause containers.
  package var containers: [ContainerFilesystems]
  /// The end of the probe.
  package var readAt: Moment
  /// The number of file systems that do not respond. Each blocks a helper thread.
  package var hung: Int

  package init(containers: [ContainerFilesystems], readAt: Moment, hung: Int) {
    self.containers = containers
    self.readAt = readAt
    self.hung = hung
  }
}

package struct ContainerFilesystems: Hashable, Sendable {
  package var id: ContainerID
  /// Of the outermost pod.
  package var podUID: String?
  package var readings: [FilesystemReading]
  /// The number of file systems above the limit for one container.
  package var leftOut: Int
  /// Why no file system of the container could be read.
  package var failure: FilesystemFailure?

  package init(
    id: ContainerID, podUID: String?, readings: [FilesystemReading] = [], leftOut: Int = 0, failure: FilesystemFailure? = nil
  ) {
    self.id = id
    self.podUID = podUID
    self.readings = readings
    self.leftOut = leftOut
    self.failure = failure
  }
}

/// One file system of one container.
package struct FilesystemReading: Hashable, Sendable {
  package var mountPoint: String
  /// The mount source: `/dev/sda1`, `server:/export`, `overlay`.
  package var device: String
  package var type: String
  /// Of several mounts of one file system with the same numbers, only the first has a reading.
  package var usage: Result<FilesystemUsage, FilesystemFailure>

  package init(mountPoint: String, device: String, type: String, usage: Result<FilesystemUsage, FilesystemFailure>) {
    self.mountPoint = mountPoint
    self.device = device
    self.type = type
    self.usage = usage
  }
}

/// Why a file system has no numbers. Raw values are those of the label `reason`.
package enum FilesystemFailure: String, Error, CaseIterable, Hashable, Sendable {
  /// It did not respond within the deadline. It is not queried again until it does.
  case hung = "Hung"
  /// It was not queried, because too many others hang.
  case notAsked = "NotAsked"
  case permissionDenied = "PermissionDenied"
  case failed = "Failed"

  init(_ error: ProcFSError) {
    self = error.isPermissionDenied ? .permissionDenied : .failed
  }
}
