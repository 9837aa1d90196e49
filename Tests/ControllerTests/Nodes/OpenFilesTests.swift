import Testing

@testable import Controller

@Suite struct OpenFilesTests {
  @Test(
    arguments: [
      (limit: 1024, inUse: 1152, capacity: 0), (limit: 4096, inUse: 1152, capacity: 1920),
      (limit: 1_048_576, inUse: 1152, capacity: 1_046_400),
    ])
  func `R63: kept connections are limited by the descriptors that are not in use`(_ sample: (limit: Int, inUse: Int, capacity: Int)) {
    #expect(OpenFiles.capacity(of: sample.limit, inUse: sample.inUse) == sample.capacity)
  }

  @Test func `the open file limit is read and raised`() {
    let capacity = OpenFiles.connectionCapacity(inUse: 0)
    #expect(OpenFiles.connectionCapacity(inUse: 100) == max(0, capacity - 100))
  }
}
