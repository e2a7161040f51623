import { virtualClock } from '../../../src/testing/virtualClock.ts'
import { message, never, open, quiet, readerSpec, spec } from './store.ts'

/** Tells the parent, and resolves when it was told. */
function say(what: unknown): Promise<void> {
  return new Promise((done) => process.send?.(what, undefined, undefined, () => done()))
}

/** Publishes batch after batch and says the number of each that is stored. */
async function publish(
  dir: string,
  name: string,
  batches: number,
  size: number,
  bytes: number,
): Promise<void> {
  await using opened = await open(dir)
  await using publisher = await opened.session.publisher(spec(), never)
  for (let batch = 0; batch < batches; batch++) {
    const outgoing = Array.from({ length: size }, (_, n) => {
      const id = `${name}-${batch}-${n}`
      return message(id, { body: JSON.stringify(id.padEnd(bytes, 'x')) })
    })
    const outcomes = await publisher.publish(outgoing, never)
    const isStored = outcomes.every((outcome) => outcome.state === 'stored' && !outcome.duplicate)
    if (!isStored) throw new Error(JSON.stringify(outcomes.find(({ state }) => state !== 'stored')))
    await say(batch)
  }
}

/**
 * Takes, says the ids, and acknowledges; ends when nothing came for a while since it was told that
 * all is published.
 */
async function consume(dir: string, name: string, quietMs: number): Promise<void> {
  await using opened = await open(dir)
  await using source = await opened.session.source(spec(), readerSpec(name), quiet, never)
  let isPublished = false
  process.once('message', () => {
    isPublished = true
  })
  await say('ready')
  for (;;) {
    const room = { messages: 50, bytes: 1e6 }
    const deliveries = await source.receive(room, AbortSignal.timeout(quietMs))
    if (deliveries.length === 0) {
      if (isPublished) return
      continue
    }
    const acks = deliveries.map(({ token }) => ({ token, kind: 'ack' as const }))
    const outcomes = await source.settle(acks, never)
    await say(deliveries.map(({ message: { id } }, at) => ({ id, outcome: outcomes[at] })))
  }
}

/** Takes some, says which, and holds them until it is killed. */
async function hold(dir: string, name: string, messages: number, leaseMs: number): Promise<void> {
  const opened = await open(dir)
  const reader = readerSpec(name, { leaseMs })
  const source = await opened.session.source(spec({ leaseMs }), reader, quiet, never)
  const deliveries = await source.receive({ messages, bytes: 1e8 }, never)
  await say(deliveries.map(({ message: { id } }) => id))
  setInterval(() => undefined, 60_000)
}

/** Works off key by key, and says by the common clock when each message began and ended. */
async function byKey(dir: string, name: string, leaseMs: number): Promise<void> {
  await using opened = await open(dir)
  const reader = readerSpec(name, { leaseMs, order: 'block' })
  await using source = await opened.session.source(spec({ leaseMs }), reader, quiet, never)
  const nowMs = () => Number(process.hrtime.bigint()) / 1e6
  await say({ what: 'ready' })
  for (;;) {
    const deliveries = await source.receive({ messages: 2, bytes: 1e6 }, never)
    const atMs = nowMs()
    for (const { message: one, crashes } of deliveries) {
      await say({ what: 'began', id: one.id, key: one.key, crashes, atMs })
    }
    await new Promise((done) => setTimeout(done, 2))
    for (const { message: one } of deliveries) {
      await say({ what: 'ended', id: one.id, key: one.key, crashes: 0, atMs: nowMs() })
    }
    const error = { name: 'Error', message: 'again', worker: name, atMs: 0 }
    await source.settle(
      deliveries.map(({ token, failures }) =>
        failures === 0 && Math.random() < 0.1
          ? { token, kind: 'retry', delayMs: 5, failures: 1, error }
          : { token, kind: 'ack' },
      ),
      never,
    )
  }
}

/**
 * Waits for one message after the other, and says when each came. On a clock that stands still it
 * is woken by others alone: its own look once a second never comes.
 */
async function listen(dir: string, name: string, isStill: boolean): Promise<void> {
  await using opened = await open(dir, isStill ? { clock: virtualClock(Date.now()) } : {})
  await using source = await opened.session.source(spec(), readerSpec(name), quiet, never)
  await say('ready')
  for (;;) {
    const deliveries = await source.receive({ messages: 1, bytes: 1e6 }, never)
    await say(deliveries.map(({ message: { id } }) => ({ id, atMs: Date.now() })))
    await source.settle(
      deliveries.map(({ token }) => ({ token, kind: 'ack' as const })),
      never,
    )
  }
}

const [what, dir = '', name = '', a = '0', b = '0', c = '0'] = process.argv.slice(2)
const roles: Record<string, () => Promise<void>> = {
  publish: () => publish(dir, name, Number(a), Number(b), Number(c)),
  consume: () => consume(dir, name, Number(a)),
  hold: () => hold(dir, name, Number(a), Number(b)),
  listen: () => listen(dir, name, a === 'still'),
  byKey: () => byKey(dir, name, Number(a)),
}
await roles[what ?? '']?.()
if (process.connected) process.disconnect()
