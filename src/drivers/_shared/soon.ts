import { setTimeout as sleep } from 'node:timers/promises'

/** A server that does not answer for so long holds up nobody who leaves. */
const leaveMsMax = 1_000

/** What is not done by then goes on: it ends with the answer, or with the connection. */
export async function soon(leaving: Promise<void>): Promise<void> {
  const over = new AbortController()
  const late = sleep(leaveMsMax, undefined, { signal: over.signal }).catch(() => {}) // left in time
  await Promise.race([leaving, late]).finally(() => over.abort())
}
