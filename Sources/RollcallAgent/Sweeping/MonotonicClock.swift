import Glibc
import Roll

/// The clock that the agent's moments are of. It goes on while the machine is suspended: data do not stay fresh meanwhile.
@Sendable
func monotonicNow() -> Moment {
  var time = timespec()
  clock_gettime(CLOCK_BOOTTIME, &time)
  return Moment(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}
