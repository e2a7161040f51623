import type { DeadEntry, Stored } from '../../core/driver.ts'
import type { IncomingMessage } from '../../core/message.ts'
import { isoTime, isoTimeOrNull } from '../output/quantities.ts'
import { compileWhere, type Facts, type Where } from '../where/where.ts'

const messageNames = ['data', 'headers', 'id', 'key', 'type', 'source', 'time', 'bytes', 'redrives']
/** What `--where` may speak of: a stored message. */
export const storedNames = [...messageNames, 'state', 'attempt', 'failures', 'crashes', 'worker']
/** What `--where` may speak of: a dead letter. */
export const deadNames = [
  ...messageNames,
  'cause',
  'reason',
  'error',
  'failures',
  'crashes',
  'group',
  'worker',
  'died',
]

/** The filter of `--where` over stored messages; everything fits where there is none. */
export function storedFilter(where: string | undefined): (stored: Stored) => boolean {
  if (where === undefined) return () => true
  const fits: Where = compileWhere(where, storedNames)
  return (stored) => fits(storedFacts(stored))
}

/** The filter of `--where` over dead letters. */
export function deadFilter(where: string | undefined): (entry: DeadEntry) => boolean {
  if (where === undefined) return () => true
  const fits = compileWhere(where, deadNames)
  return (entry) => fits(deadFacts(entry))
}

function storedFacts({ message, state, failures, crashes, redrives, worker }: Stored): Facts {
  return withData(message, {
    state,
    attempt: failures + 1,
    failures,
    crashes,
    redrives,
    worker: worker ?? null,
  })
}

function deadFacts({ message, letter }: DeadEntry): Facts {
  const { cause, reason, error, failures, crashes, redrives, group, worker, diedMs } = letter
  return withData(message, {
    cause,
    reason,
    error: error ? `${error.name}: ${error.message}` : null,
    failures,
    crashes,
    redrives,
    group,
    worker,
    died: isoTime(diedMs),
  })
}

/** The data is parsed only when an expression asks for it. */
function withData(message: IncomingMessage, more: Facts): Facts {
  let data: { value: unknown } | null = null
  return {
    ...more,
    id: message.id,
    key: message.key,
    type: message.type,
    source: message.source,
    time: isoTimeOrNull(message.timeMs),
    bytes: message.bytes,
    headers: message.headers,
    get data() {
      data ??= { value: dataOf(message) }
      return data.value
    },
  }
}

/** The data of a message; null where it is no JSON. */
function dataOf({ body }: IncomingMessage): unknown {
  try {
    return JSON.parse(textOf(body))
  } catch {
    return null // foreign bytes are legal: they just have no fields to ask for
  }
}

/** A body as text. */
export function textOf(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : new TextDecoder().decode(body)
}
