import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect, dead } from '../../src/index.ts'
import { stopIdle } from './stopIdle.ts'

/** Only who is frozen is to stand still for so long. */
const leaseMs = 3_000
const jobs = { name: 'jobs', pattern: 'queue' } as const

interface Told {
  readonly event: string
  readonly [fact: string]: unknown
}

/** The child, and every word of it; `hears` resolves with the first of that event. */
function start(url: string) {
  const child: ChildProcess = fork(join(import.meta.dirname, 'frozenWorker.ts'), [
    ...[url, String(leaseMs)],
  ])
  const told: Told[] = []
  const listeners = new Set<() => void>()
  child.on('message', (word: Told) => {
    told.push(word)
    for (const look of listeners) look()
  })
  const hears = (event: string) =>
    new Promise<Told>((resolve) => {
      const look = () => {
        const word = told.find((one) => one.event === event)
        if (!word) return
        listeners.delete(look)
        resolve(word)
      }
      listeners.add(look)
      look()
    })
  return { child, told, hears }
}

test.for([
  ['acknowledged', undefined, { out: 1, dead: 0 }],
  ['buried', dead('the next owner says so'), { out: 0, dead: 1 }],
] as const)(
  'a worker frozen past its lease changes nothing when it thaws: what the next owner %s stays so',
  async ([, verdict, end]) => {
    const dir = await mkdtemp(join(tmpdir(), 'narrowcast-frozen-'))
    const url = `file:${join(dir, 'store')}`
    await using bus = await connect(url)
    const queue = bus.queue<string>('jobs', { leaseMs })
    const { child, told, hears } = start(url)
    try {
      await queue.publish('x', { id: 'm' })
      await hears('begun')
      await stopIdle(child, [join(dir, 'store', 'store.db')])
      const taken = Promise.withResolvers<unknown>()
      const next = queue.subscribe(
        (_, { crashes, failures }) => {
          taken.resolve({ crashes, failures })
          return verdict
        },
        { name: 'next' },
      )
      const settled = new Promise((resolve) => next.on('settled', resolve))
      expect(await taken.promise).toEqual({ crashes: 1, failures: 0 })
      expect(await settled).toMatchObject({ id: 'm', outcome: 'settled' })
      child.kill('SIGCONT')
      expect(await hears('lost')).toMatchObject({ deliveries: [{ id: 'm' }], why: 'expired' })
      child.send('finish')
      expect(await hears('finished')).toMatchObject({ isAborted: true })
      const late = await hears('late')
      expect(late).toMatchObject({ id: 'm' })
      expect(late.overdueMs).toBeGreaterThan(0)
      expect(told.filter(({ event }) => event === 'settled')).toEqual([
        { event: 'settled', id: 'm', position: expect.any(String), kind: 'ack', outcome: 'late' },
      ])
      const [depth] = await bus.admin.depths([jobs])
      expect(depth).toMatchObject({ waiting: 0, inFlight: 0, scheduled: 0, ...end })
    } finally {
      child.kill('SIGKILL')
      await bus.close()
      await rm(dir, { recursive: true })
    }
  },
)
