import { NarrowcastError } from '../../core/errors.ts'
import { dead, retry, type Verdict } from '../../core/verdict.ts'
import type { Received } from '../../runtime/api.ts'
import type { Said } from './judge.ts'
import type { Ledger } from './ledger.ts'
import { type Behaviour, longMs } from './plan.ts'
import type { Process } from './process.ts'

/**
 * What a worker does with one delivery, as its message asks; noted from beginning to end. Of a
 * batch, what one message throws is made a verdict.
 */
export async function handle(
  delivery: Received<Behaviour>,
  process: Process,
  ledger: Ledger,
  isOfBatch = false,
): Promise<Verdict | undefined> {
  const handed = ledger.runs(delivery.message)
  const end = (said: Said) => ledger.ends(handed, said)
  const behaviour = delivery.data
  const { signal } = delivery
  const thrown = () => end(!isOfBatch && wasDrained(signal) ? 'drained' : 'fail')
  if (behaviour.kind === 'invalid') {
    ledger.problem(`message ${delivery.message.id} does not fit the schema, and was handed over`)
    return
  }
  if (behaviour.kind === 'hang') {
    await process.clock.sleep(longMs, signal)
    thrown()
    await process.clock.sleep(behaviour.ms, never)
    throw signal.reason
  }
  if (behaviour.kind === 'overrun' || behaviour.kind === 'obey') {
    await process.clock.sleep(behaviour.kind === 'obey' ? behaviour.ms : longMs, signal)
    if (signal.aborted) {
      if (hasOverrun(signal)) ledger.tally.add('a handler runs too long')
      thrown()
      throw signal.reason
    }
  } else if (behaviour.ms > 0) await process.clock.sleep(behaviour.ms, never)
  switch (behaviour.kind) {
    case 'overrun':
    case 'obey':
    case 'ack':
      end('ack')
      return
    case 'dead':
      end('dead')
      return dead('of no use')
    case 'killer':
      ledger.tally.add('a handler kills its process')
      process.kill()
      await process.gate()
      return
    default: {
      const hasFailedEnough = delivery.failures >= behaviour.times
      if (hasFailedEnough) {
        end('ack')
        return
      }
      if (behaviour.kind === 'retry') {
        end('fail')
        return retry({ delayMs: behaviour.delayMs })
      }
      thrown()
      throw new Error('it broke')
    }
  }
}

const never = new AbortController().signal

function hasOverrun(signal: AbortSignal): boolean {
  return signal.reason instanceof NarrowcastError && signal.reason.code === 'TIMEOUT'
}

/** An aborted handler of a drained worker is given back, not failed. */
function wasDrained(signal: AbortSignal): boolean {
  return signal.reason instanceof NarrowcastError && signal.reason.code === 'CLOSED'
}
