import CLinux
import Glibc
import ServiceLifecycle

/// Gives back the memory of code that only ran at the start.
///
/// The kernel maps the executable's pages in blocks around each one that is touched, and starting touches nearly all of them: relocations,
/// the runtime's tables, the libraries' set-up. What goes on afterwards needs a quarter. Pages that are needed again come back from the page
/// cache, from where most of them never went. Heap that is free goes back as well.
struct ColdPages: Service {
  /// Once when the start is over, and then now and again, for what a rare request has brought.
  private static let first: Duration = .seconds(1)
  private static let interval: Duration = .seconds(300)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var wait = Self.first
      while (try? await Task.sleep(for: wait)) != nil {
        Self.release()
        wait = Self.interval
      }
    }
  }

  static func release() {
    Heap.giveBack()
    for segment in readOnlySegments() {
      // It only ever fails for addresses that are not ours, and then nothing is lost.
      madvise(segment.baseAddress, segment.count, MADV_DONTNEED)
    }
  }

  /// The parts of this executable that are never written, not even by the loader: dropping others would lose what was written.
  /// Source: getauxval(3), and the program headers of elf(5).
  private static func readOnlySegments() -> [UnsafeMutableRawBufferPointer] {
    guard let table = UnsafeRawPointer(bitPattern: getauxval(UInt(AT_PHDR))) else { return [] }
    let headers = UnsafeRawBufferPointer(start: table, count: Int(getauxval(UInt(AT_PHNUM))) * MemoryLayout<Elf64_Phdr>.stride)
      .bindMemory(to: Elf64_Phdr.self)
    // The table tells where it would be had the executable not been moved.
    guard let own = headers.first(where: { $0.p_type == UInt32(PT_PHDR) }) else { return [] }
    let offset = UInt(bitPattern: table) &- UInt(own.p_vaddr)
    let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))
    return headers.filter { $0.p_type == UInt32(PT_LOAD) && $0.p_flags & UInt32(PF_W) == 0 }.compactMap { header in
      // Whole pages alone: the last may be shared with a segment that is written.
      let start = (offset &+ UInt(header.p_vaddr) &+ pageSize - 1) / pageSize * pageSize
      let end = (offset &+ UInt(header.p_vaddr) &+ UInt(header.p_memsz)) / pageSize * pageSize
      guard end > start, let base = UnsafeMutableRawPointer(bitPattern: start) else { return nil }
      return UnsafeMutableRawBufferPointer(start: base, count: Int(end - start))
    }
  }
}
