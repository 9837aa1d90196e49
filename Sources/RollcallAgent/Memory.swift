import CLinux
import Glibc
import ProcessLimits
import ServiceLifecycle

/// Drops pages of code that only ran at startup.
///
/// The kernel maps the executable's pages in blocks around each one that is touched, and startup touches nearly all of them: relocations,
/// the runtime's tables, initialization of libraries. A quarter of them is needed afterwards, and comes back from the page cache.
struct ColdPages: Service {
  /// The first release follows startup; later ones drop pages that rare requests have touched.
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
    Heap.releaseFreePages()
    for segment in readOnlySegments() {
      // Only fails for addresses that are not mapped, with no effect.
      madvise(segment.baseAddress, segment.count, MADV_DONTNEED)
    }
  }

  /// The executable's read-only segments, which not even the loader writes to. Dropping a written page would lose its contents.
  /// Source: getauxval(3), and the program headers of elf(5).
  private static func readOnlySegments() -> [UnsafeMutableRawBufferPointer] {
    guard let table = UnsafeRawPointer(bitPattern: getauxval(UInt(AT_PHDR))) else { return [] }
    let headers = UnsafeRawBufferPointer(start: table, count: Int(getauxval(UInt(AT_PHNUM))) * MemoryLayout<Elf64_Phdr>.stride)
      .bindMemory(to: Elf64_Phdr.self)
    // PT_PHDR has the table's address before relocation; the difference is the load offset.
    guard let own = headers.first(where: { $0.p_type == UInt32(PT_PHDR) }) else { return [] }
    let offset = UInt(bitPattern: table) &- UInt(own.p_vaddr)
    let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))
    return headers.filter { $0.p_type == UInt32(PT_LOAD) && $0.p_flags & UInt32(PF_W) == 0 }.compactMap { header in
      // Complete pages only: the last one may be shared with a writable segment.
      let start = (offset &+ UInt(header.p_vaddr) &+ pageSize - 1) / pageSize * pageSize
      let end = (offset &+ UInt(header.p_vaddr) &+ UInt(header.p_memsz)) / pageSize * pageSize
      guard end > start, let base = UnsafeMutableRawPointer(bitPattern: start) else { return nil }
      return UnsafeMutableRawBufferPointer(start: base, count: Int(end - start))
    }
  }
}
