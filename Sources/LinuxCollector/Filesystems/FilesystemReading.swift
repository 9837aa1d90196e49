package import ProcFS
package import Roll

/// What one look at the file systems of all containers found.
package struct FilesystemReport: Hashable, Sendable {
  /// In the order of their IDs; those of pods' pause containers are left out.
  package var containers: [ContainerFilesystems]
  /// When the look ended.
  package var readAt: Moment
  /// File systems that do not answer, each once; every one of them holds a helper thread.
  package var hung: Int

  package init(containers: [ContainerFilesystems], readAt: Moment, hung: Int) {
    self.containers = containers
    self.readAt = readAt
    self.hung = hung
  }
}

package struct ContainerFilesystems: Hashable, Sendable {
  package var id: ContainerID
  package var podUID: String?
  package var readings: [FilesystemReading]
  /// File systems past the limit of one container.
  package var leftOut: Int
  /// Why none of it could be read.
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
  /// What the file system calls its source: `/dev/sda1`, `server:/export`, `overlay`.
  package var device: String
  package var type: String
  package var usage: Result<FilesystemUsage, FilesystemFailure>

  package init(mountPoint: String, device: String, type: String, usage: Result<FilesystemUsage, FilesystemFailure>) {
    self.mountPoint = mountPoint
    self.device = device
    self.type = type
    self.usage = usage
  }
}

/// Why a file system has no numbers; the values are those of the label `reason`.
package enum FilesystemFailure: String, Error, CaseIterable, Hashable, Sendable {
  /// It did not answer in time, and is not asked again until it does.
  case hung = "Hung"
  case permissionDenied = "PermissionDenied"
  case failed = "Failed"

  init(_ error: ProcFSError) {
    self = error.isPermissionDenied ? .permissionDenied : .failed
  }
}
