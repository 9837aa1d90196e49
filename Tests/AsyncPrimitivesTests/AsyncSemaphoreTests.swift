import AsyncPrimitives
import Synchronization
import Testing

/// Counts how many are inside at once.
private final class Counter: Sendable {
  private let state = Mutex((inside: 0, highest: 0))

  var highest: Int { state.withLock { $0.highest } }

  func enter() {
    state.withLock { state in
      state.inside += 1
      state.highest = max(state.highest, state.inside)
    }
  }

  func leave() { state.withLock { $0.inside -= 1 } }
}

struct AsyncSemaphoreTests {
  @Test func `no more bodies run at once than there are permits`() async {
    let semaphore = AsyncSemaphore(3)
    let counter = Counter()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          await semaphore.withPermit {
            counter.enter()
            await Task.yield()
            counter.leave()
          }
        }
      }
    }
    #expect((1...3).contains(counter.highest))
  }

  @Test func `a permit is free again when it is released`() async {
    let semaphore = AsyncSemaphore(1)
    var permit = semaphore.permitIfFree()
    #expect(permit != nil)
    #expect(semaphore.permitIfFree() == nil)
    permit = nil
    #expect(semaphore.permitIfFree() != nil)
  }

  @Test func `waiting for a permit ends at the deadline, and loses none`() async {
    let semaphore = AsyncSemaphore(1)
    do {
      let permit = semaphore.permitIfFree()
      #expect(await semaphore.permit(until: .now) == nil)
      #expect(await semaphore.permit(until: .now + .milliseconds(1)) == nil)
      withExtendedLifetime(permit) {}
    }
    #expect(await semaphore.permit(until: .now + .seconds(600)) != nil)
    #expect(semaphore.permitIfFree() != nil)
  }

  @Test func `a cancelled task leaves the queue, and the next one gets the permit`() async {
    let semaphore = AsyncSemaphore(1)
    var permit = semaphore.permitIfFree()
    let cancelled = Task { await semaphore.withPermit { true } }
    let patient = Task { await semaphore.withPermit { true } }
    cancelled.cancel()
    #expect(await cancelled.value == nil)
    permit = nil
    _ = permit
    #expect(await patient.value == true)
    #expect(semaphore.permitIfFree() != nil)
  }

  @Test func `no permit is lost among deadlines and cancellations`() async {
    let semaphore = AsyncSemaphore(2)
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<300 {
        group.addTask {
          if index % 3 == 0 {
            _ = await semaphore.permit(until: .now + .microseconds(index))
          } else {
            let task = Task { await semaphore.withPermit { await Task.yield() } }
            if index % 3 == 1 { task.cancel() }
            await task.value
          }
        }
      }
    }
    let permits = [semaphore.permitIfFree(), semaphore.permitIfFree()]
    #expect(permits.allSatisfy { $0 != nil })
    #expect(semaphore.permitIfFree() == nil)
  }
}
