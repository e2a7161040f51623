/** Waits for `ready` until the signal fires. */
export async function waitReady(ready: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (!signal) return ready
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    await Promise.race([ready, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
