import AsyncPrimitives
import Testing

struct PromiseTests {
  @Test func `all that wait get the value, and so do those that ask later`() async {
    let promise = Promise<Int>()
    #expect(promise.current == nil)
    await withTaskGroup(of: Int?.self) { group in
      for index in 0..<100 {
        group.addTask { index.isMultiple(of: 2) ? await promise.value() : await promise.valueUnlessCancelled() }
      }
      while promise.waiting < 50 { await Task.yield() }
      promise.fulfill(7)
      for await value in group { #expect(value == 7) }
    }
    #expect(await promise.value() == 7)
    #expect(await promise.valueUnlessCancelled() == 7)
    #expect(promise.current == 7)
    #expect(promise.waiting == 0)
  }

  @Test func `the first value counts`() async {
    let promise = Promise<Int>()
    promise.fulfill(1)
    promise.fulfill(2)
    #expect(await promise.value() == 1)
  }

  @Test func `a cancelled task stops waiting only where it may`() async {
    let promise = Promise<Int>()
    let patient = Task { await promise.value() }
    let impatient = Task { await promise.valueUnlessCancelled() }
    patient.cancel()
    impatient.cancel()
    #expect(await impatient.value == nil)
    promise.fulfill(3)
    #expect(await patient.value == 3)
  }

  @Test func `a task that is cancelled already gets a value that is there`() async {
    let promise = Promise<Int>()
    promise.fulfill(3)
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await promise.valueUnlessCancelled()
    }
    task.cancel()
    #expect(await task.value == 3)
  }
}
