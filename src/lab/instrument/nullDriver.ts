import type { Contract } from '../../core/contract.ts'
import type { Driver, Room, Session, Source } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Delivery, OutgoingMessage, Settlement } from '../../core/message.ts'

const queue = {
  delivery: 'at-least-once',
  stored: { in: 'memory', copies: 1 },
  survives: {
    'worker-crash': 'no',
    'broker-restart': 'no',
    'broker-crash': 'no',
    'node-loss': 'no',
    'power-loss': 'no',
  },
  settle: 'confirmed',
  fencing: 'none',
  counts: { failures: 'no', crashes: 'no' },
  release: 'none',
  order: { scope: 'channel', across: 'worker', afterRetry: 'lost' },
  keyOrder: 'no',
  redelivery: { how: 'none', withinMs: 0 },
  delay: { how: 'no', errorMs: 0, errorShare: 0, msMax: 0 },
  dedupe: { publishWindowMsMax: null, consume: 'no' },
  positions: 'none',
  replay: false,
  retention: false,
  seek: false,
  pause: false,
  deadLetters: false,
  manage: false,
  peek: 'no',
  depth: 'no',
  watchdog: false,
  noReader: 'kept',
  receivers: 'no',
  resumes: false,
  tells: [],
  wakeMs: 0,
  payloadBytesMax: 67_108_864,
  plainData: false,
  source: 'src/lab/instrument/nullDriver.ts',
} as const satisfies Contract

/**
 * Hands messages over inside this process and does nothing else: what a run on it costs is what the
 * lab and the library cost. For handlers that succeed: it only knows how to ack.
 */
export function nullDriver(): Driver<{ queue: typeof queue }> {
  const lines = new Map<string, Line>()
  const lineOf = (name: string) => {
    const line = lines.get(name) ?? new Line()
    lines.set(name, line)
    return line
  }
  const session: Session = {
    info: { product: 'null', version: '1', settings: {}, warnings: [], unknown: [] },
    admin: { ensure: async () => ({ state: 'same' }) },
    contract: async () => queue,
    async publisher({ name }) {
      const line = lineOf(name)
      return {
        async publish(batch) {
          line.put(batch)
          return batch.map(() => ({ state: 'stored', duplicate: false }))
        },
        [Symbol.asyncDispose]: async () => {},
      }
    },
    source: async ({ name }, { reader, leaseMs }) => source(lineOf(name), reader, leaseMs),
    [Symbol.asyncDispose]: async () => {},
  }
  return { name: 'null', contracts: { queue }, open: async () => session }
}

/** What waits, first come first served. */
class Line {
  readonly #waiting: OutgoingMessage[] = []
  #changed = Promise.withResolvers<void>()

  /** Resolves when something came, or somebody is to look again. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  put(batch: readonly OutgoingMessage[]): void {
    this.#waiting.push(...batch)
    this.wake()
  }

  take(room: Room): OutgoingMessage[] {
    let [count, bytes] = [0, 0]
    for (const { body } of this.#waiting) {
      bytes += body.length
      if (count === room.messages || (count > 0 && bytes > room.bytes)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

function source(line: Line, reader: string, leaseMs: number): Source {
  let serial = 0
  let isStopped = false
  const delivered = ({ body, ...message }: OutgoingMessage, begins: boolean): Delivery => ({
    token: { reader, serial: serial++ },
    message: { ...message, body, bytes: body.length },
    ...{ failures: 0, crashes: 'unknown', redrives: 0, past: null, isBegun: begins },
    ownedUntilMs: performance.now() + leaseMs,
  })
  const stop = async () => {
    isStopped = true
    line.wake()
    return []
  }
  return {
    leaseMs,
    async receive(room, signal) {
      const look = () => line.wake()
      signal.addEventListener('abort', look)
      try {
        while (!(isStopped || signal.aborted)) {
          const taken = line.take(room)
          if (taken.length > 0) return taken.map((one) => delivered(one, room.begins ?? false))
          await line.changed
        }
        return []
      } finally {
        signal.removeEventListener('abort', look)
      }
    },
    async settle(batch) {
      return batch.map(checkAck)
    },
    renew: async () => [],
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

/** @throws UNSUPPORTED */
function checkAck({ kind }: Settlement): 'settled' {
  if (kind === 'ack') return 'settled'
  throw new NarrowcastError('UNSUPPORTED', `null: settle: got ${kind}; it only knows ack`, {
    driver: 'null',
    operation: 'settle',
  })
}
