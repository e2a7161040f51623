import { expect, test } from 'vitest'
import { virtualClock } from '../../src/testing/virtualClock.ts'
import {
  type Child,
  child,
  folder,
  message,
  never,
  open,
  quiet,
  readerSpec,
  spec,
} from './file/store.ts'

interface Said {
  readonly what: 'ready' | 'began' | 'ended'
  readonly id: string
  readonly key: string
  readonly crashes: number
  readonly atMs: number
}

/** Nobody renews it: longer than a busy machine stands still. */
const leaseMs = 5_000
const keys = 8
const each = 40

/** When one process worked on one message; no end: it was killed. */
interface Turn extends Said {
  readonly endMs: number | null
}

function turnsOf({ said }: Child): Turn[] {
  const all = said as Said[]
  return all.flatMap((one, at) => {
    if (one.what !== 'began') return []
    const end = all.slice(at).find(({ what, id }) => what === 'ended' && id === one.id)
    return { ...one, endMs: end?.atMs ?? null }
  })
}

test('processes that are killed work off each key one by one and in order', async () => {
  await using store = await folder()
  await using opened = await open(store.dir)
  await using publisher = await opened.session.publisher(spec({ leaseMs }), never)
  const all = Array.from({ length: keys * each }, (_, n) => {
    const key = `k${n % keys}`
    return message(`${key}-${Math.floor(n / keys)}`, { key })
  })
  await using children = new AsyncDisposableStack()
  const start = (name: string) => children.use(child('byKey', store.dir, name, leaseMs))
  const workers = [start('a'), start('b'), start('c')]
  // One that starts late would find everything done by the others.
  for (const worker of workers) await worker.says(1)
  await publisher.publish(all, never)
  for (const [n, victim] of [...workers.entries()].slice(0, 2)) {
    await victim.says(21)
    await victim.kill()
    workers.push(start(`next-${n}`))
  }
  for (;;) {
    const [depth] = (await opened.session.admin.depths?.([spec({ leaseMs })], never)) ?? []
    if (depth?.out === all.length) break
    await new Promise((done) => setTimeout(done, 100))
  }
  await children.disposeAsync() // all that they have said is here now
  const turns = workers.flatMap(turnsOf).sort((a, b) => a.atMs - b.atMs)
  for (let k = 0; k < keys; k++) {
    const ofKey = turns.filter(({ key }) => key === `k${k}`)
    const places = ofKey.map(({ id }) => Number(id.split('-')[1]))
    expect(places[0]).toBe(0)
    expect(places.at(-1)).toBe(each - 1)
    for (let at = 1; at < ofKey.length; at++) {
      const [before, now] = [ofKey[at - 1] as Turn, ofKey[at] as Turn]
      const step = (places[at] as number) - (places[at - 1] as number)
      expect(step === 0 || step === 1, `${now.id} comes after ${before.id}`).toBe(true)
      if (before.endMs !== null) expect(now.atMs).toBeGreaterThanOrEqual(before.endMs)
      else {
        expect([now.id, now.crashes]).toEqual([before.id, before.crashes + 1])
        expect(now.atMs - before.atMs).toBeGreaterThan(leaseMs / 2)
      }
    }
  }
}, 60_000)

test('who waits is rung when a key becomes free: no time has to pass', async () => {
  await using store = await folder()
  const clock = virtualClock()
  await using first = await open(store.dir, { clock })
  await using second = await open(store.dir, { clock })
  await using publisher = await first.session.publisher(spec(), never)
  await publisher.publish([message('m-0', { key: 'k' }), message('m-1', { key: 'k' })], never)
  const room = { messages: 9, bytes: 1e6 }
  const reader = (name: string) => readerSpec(name, { order: 'skip' })
  await using owner = await first.session.source(spec(), reader('a'), quiet, never)
  await using other = await second.session.source(spec(), reader('b'), quiet, never)
  const [held] = await owner.receive(room, never)
  const waiting = other.receive(room, never)
  await clock.settle(20)
  await owner.settle([{ token: held?.token ?? { reader: '', serial: 0 }, kind: 'ack' }], never)
  expect((await waiting).map((one) => one.message.id)).toEqual(['m-1'])
  expect(clock.monotonicMs()).toBe(0)
})
