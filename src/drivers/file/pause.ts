/** Real time, whatever clock the store was given: this waits for other processes. */
export function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    if (ms < 0.5) setImmediate(done)
    else setTimeout(done, ms)
  })
}
