/** Longer than it takes to pass a signal on, and shorter than anyone presses Ctrl-C twice. */
export const echoMs = 100

/**
 * Calls `act` once for a signal that comes more than once at a time. One Ctrl-C does: it goes to the
 * whole process group, and npm and the guard (bin/child.cjs) pass on what they got of it, in case that
 * they alone got it; timeout(1) signals its child and then its group. Node does not tell who sent one.
 */
export function withoutEchoes<Signal>(act: (signal: Signal) => void): (signal: Signal) => void {
  const recent = new Set<Signal>()
  return (signal) => {
    if (recent.has(signal)) return
    recent.add(signal)
    // What came while this process was busy is heard after the timer, and before the immediate.
    setTimeout(() => setImmediate(() => recent.delete(signal)), echoMs).unref()
    act(signal)
  }
}
