import Testing

@testable import Controller

@Suite struct OpenFilesTests {
  @Test(
    "R63: connections are kept only as far as there are descriptors beside those in use",
    arguments: [
      (limit: 1024, inUse: 1152, room: 0), (limit: 4096, inUse: 1152, room: 1920), (limit: 1_048_576, inUse: 1152, room: 1_046_400),
    ])
  func room(_ sample: (limit: Int, inUse: Int, room: Int)) {
    #expect(OpenFiles.capacity(of: sample.limit, inUse: sample.inUse) == sample.room)
  }

  @Test func theLimitIsReadAndRaised() {
    let room = OpenFiles.connectionCapacity(inUse: 0)
    #expect(OpenFiles.connectionCapacity(inUse: 100) == max(0, room - 100))
  }
}
