/** Clocks, in microseconds with fractions. */
export interface ClockNative {
  /** CLOCK_MONOTONIC: does not count suspended time; the same in every thread and process. */
  nowUs(): number;
  /** CLOCK_BOOTTIME: counts suspended time too. */
  bootUs(): number;
  /** CPU time of the calling thread. */
  threadCpuUs(): number;
  /** How often the kernel's count of ticks goes on. */
  tickUs(): number;
}
