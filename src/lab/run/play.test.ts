import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import type { Driver } from '../../core/driver.ts'
import { memory } from '../../drivers/memory/index.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import { judge } from '../checker/judge.ts'
import type { LabEvent } from '../evidence/evidence.ts'
import type { RunPlan } from '../plan.ts'
import { InProcessStage } from './inProcessStage.ts'
import { type Played, play } from './play.ts'
import type { RunPhase, Watcher } from './result.ts'

const calm: RunPlan = {
  run: { name: 'r1', number: 1n },
  channel: {
    ...{ name: 'lab', pattern: 'queue', via: 'direct', leaseMs: 2_000, attempts: 2 },
    ...{ deliveriesMax: 3, dedupeWindowMs: null, order: 'none' },
  },
  load: {
    ...{ messages: 200, perSecond: 100, producers: 2, workers: 3, concurrency: 2 },
    ...{ handlerMs: 20, keys: 4, bytes: 64, poisonShare: 0, killers: 0, againShare: 0 },
    ...{ slowFactor: 1, surge: null, startsLate: false, triesMax: 1 },
  },
  seed: 1,
  faults: [],
}

interface Seen {
  readonly events: LabEvent[]
  readonly phases: RunPhase[]
}

/** On virtual time. `when`: called at each phase. */
async function played(
  plan: RunPlan,
  broker: (driver: Driver, clock: Clock) => Driver = (driver) => driver,
  when: (phase: RunPhase, halt: (afterMs?: number) => void) => void = () => {},
): Promise<Played & { seen: Seen }> {
  const clock = virtualClock()
  const halting = new AbortController()
  const seen: Seen = { events: [], phases: [] }
  const watcher: Watcher = {
    event: (event) => seen.events.push(event),
    depth: () => {},
    phase(phase) {
      seen.phases.push(phase)
      when(phase, (ms = 1_000) => {
        void clock.sleep(ms, halting.signal).then(() => halting.abort())
      })
    },
  }
  await using stage = new InProcessStage(plan, broker(memory({ clock }), clock), clock)
  const all = await clock.runUntil(play(plan, stage, watcher, halting.signal))
  return { ...all, seen }
}

const accountOf = ({ evidence, run }: Played) => {
  const [group] = judge(evidence, run, 250, []).groups
  if (!group) throw new Error('a queue has one group')
  return group.account
}

test('a run goes through its phases, and tells of each', async () => {
  const { seen, isBarrierReached, isDrained } = await played(calm)
  expect(seen.phases).toEqual(['starting', 'probing', 'load', 'draining', 'listening'])
  expect([isBarrierReached, isDrained]).toEqual([true, true])
  const count = (event: LabEvent['event']) =>
    seen.events.filter((one) => one.event === event).length
  expect([count('SUBSCRIBED'), count('READY'), count('LEAVE')]).toEqual([6, 2, 6])
})

test('a run that is halted sends nothing more, and loses nothing', async () => {
  const run = await played(calm, undefined, (phase, halt) => {
    if (phase === 'load') halt()
  })
  expect(run.seen.phases.slice(2, 4)).toEqual(['load', 'halting'])
  const { attempted, processed, lost } = accountOf(run)
  expect(attempted).toBeGreaterThan(10)
  expect(attempted).toBeLessThan(100)
  expect([processed, lost.total]).toEqual([attempted, 0])
})

test('a run that is halted before its load ends at once, without a word', async () => {
  const phases: RunPhase[] = []
  const halted = played({ ...calm, faults: [] }, slowToStart, (phase, halt) => {
    phases.push(phase)
    if (phase === 'starting') halt(500)
  })
  await expect(halted).rejects.toMatchObject({ name: 'AbortError' })
  expect(phases).toEqual(['starting'])
})

test('a run that is halted heals what it has broken', async () => {
  const far = 3_600_000
  const faults = [{ kind: 'stop', target: 'busiest', atMs: 200, forMs: far }] as const
  const { seen } = await played({ ...calm, faults }, undefined, (phase, halt) => {
    if (phase === 'load') halt()
  })
  expect(seen.events.filter(({ event }) => event === 'STOP' || event === 'CONT')).toHaveLength(2)
})

test('faults that come at once hit one each', async () => {
  const kill = { kind: 'kill', target: 'busiest', atMs: 300, restartAfterMs: 500 } as const
  const { faults } = await played({ ...calm, faults: [kill, kill, kill] })
  expect(new Set(faults.map(({ target }) => target)).size).toBe(3)
})

/** A process that starts is there 600 ms later. */
function slowToStart(driver: Driver, clock: Clock): Driver {
  return {
    ...driver,
    async open(on, signal) {
      await clock.sleep(600, signal)
      return await driver.open(on, signal)
    },
  }
}

test('a broker that is to stop while it comes back stops when it is there', async () => {
  const faults = [
    { kind: 'broker-crash', atMs: 200, forMs: 300 },
    { kind: 'broker-stop', atMs: 900, forMs: 200 },
  ] as const
  const run = await played({ ...calm, faults }, slowToStart)
  const [crash, stop] = run.faults
  expect(crash?.endedMs).toBe(1_100)
  expect(stop?.appliedMs).toBe(1_100)
  expect(accountOf(run).attempted).toBe(200)
})

test('a run that is halted while a broker comes back does not end it again', async () => {
  const faults = [
    { kind: 'broker-crash', atMs: 200, forMs: 300 },
    { kind: 'broker-stop', atMs: 600, forMs: 200 },
  ] as const
  const run = await played({ ...calm, faults }, slowToStart, (phase, halt) => {
    if (phase === 'load') halt(1_200) // 700 ms after time zero
  })
  expect(run.faults.map(({ kind }) => kind)).toEqual(['broker-crash'])
})

test('who is about to start when all processes end ends with them', async () => {
  const faults = [
    { kind: 'kill', target: 'producers', atMs: 200, restartAfterMs: 100 },
    { kind: 'broker-crash', atMs: 500, forMs: 300 },
  ] as const
  const run = await played({ ...calm, faults }, slowToStart)
  const killed = run.seen.events.filter((one) => one.event === 'KILL' && one.role === 'producer')
  expect(killed.map((one) => 'actor' in one && [one.actor, one.incarnation])).toEqual([
    ...[0, 1].map((actor) => [actor, 0]),
    ...[0, 1].map((actor) => [actor, 1]),
  ])
  expect(accountOf(run).attempted).toBe(200)
})

test('a fault with a pause waits for the one before it to be healed', async () => {
  const kill = { kind: 'kill', target: 'busiest', restartAfterMs: 300, pauseMs: 50 } as const
  const faults = [
    { ...kill, atMs: 200 },
    { ...kill, atMs: 550 },
  ]
  const [first, second] = (await played({ ...calm, faults }, slowToStart)).faults
  expect(first?.endedMs).toBe(1_100)
  expect(second?.appliedMs).toBe(1_150)
})

test('nobody hears a worker that is handed nothing, and the barrier says so', async () => {
  const { isBarrierReached } = await played(calm, (driver) => deafFor('worker-2', driver))
  expect(isBarrierReached).toBe(false)
})

test('what fails ends the whole run, with its reason', async () => {
  let asked = 0
  const failing = (driver: Driver): Driver => ({
    ...driver,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      const { depths } = session.admin
      return {
        info: session.info,
        contract: (...of) => session.contract(...of),
        publisher: (...of) => session.publisher(...of),
        source: (...of) => session.source(...of),
        admin: {
          ...session.admin,
          async depths(...of) {
            if (++asked > 4) throw new Error('the disk is gone')
            return (await depths?.(...of)) ?? []
          },
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  })
  await expect(played(calm, failing)).rejects.toThrow('the disk is gone')
})

test('a message that kills its worker is dead when its owners are used up', async () => {
  const run = await played({ ...calm, load: { ...calm.load, killers: 2 } })
  const { dead, processed, lost } = accountOf(run)
  expect({ dead, processed, lost: lost.total }).toEqual({ dead: 2, processed: 198, lost: 0 })
  const kills = run.seen.events.filter(({ event }) => event === 'KILL')
  expect(kills).toHaveLength(2 * calm.channel.deliveriesMax)
})

test('workers that start late find everything waiting', async () => {
  const run = await played({ ...calm, load: { ...calm.load, messages: 230, startsLate: true } })
  expect(Math.max(...run.evidence.depth.map(({ waiting }) => Number(waiting)))).toBe(230)
  expect(accountOf(run).processed).toBe(230)
})

test('a broker that hides what is in hand, and once says that it is empty, is drained', async () => {
  let isWrong = false
  let isTold = false
  const hiding = (driver: Driver): Driver => ({
    ...driver,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      const { depths, ...admin } = session.admin
      return {
        ...{ info: session.info, contract: session.contract.bind(session) },
        ...{ publisher: session.publisher.bind(session), source: session.source.bind(session) },
        admin: {
          ...admin,
          async depths(channels, signal) {
            const all = (await depths?.(channels, signal)) ?? []
            const told = all.map((one) => {
              return one && { ...one, inFlight: 'unknown' as const, ...(isWrong && { waiting: 0 }) }
            })
            return told
          },
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  })
  const load = { ...calm.load, handlerMs: 1_000, startsLate: true }
  const all = await played({ ...calm, load }, hiding, (phase) => {
    isWrong = phase === 'draining' && !isTold
    isTold ||= isWrong
  })
  expect(all.isDrained).toBe(true)
  expect(all.seen.phases.filter((phase) => phase === 'draining').length).toBeGreaterThan(1)
  expect(accountOf(all)).toMatchObject({ processed: 200, stuck: 0, lost: { total: 0 } })
})

test.for(['broadcast', 'narrowcast', 'stream'] as const)('a %s is played too', async (pattern) => {
  const channel = { ...calm.channel, pattern }
  const { isBarrierReached, isDrained, evidence } = await played({ ...calm, channel })
  expect([isBarrierReached, isDrained]).toEqual([true, true])
  const groups = new Set(evidence.ledgers.map(({ sidecar }) => sidecar.group))
  expect([...groups].toSorted()).toEqual(pattern === 'stream' ? ['a', 'b', null] : [null])
})

/** A broker that hands nothing to readers whose name begins so. */
function deafFor(name: string, driver: Driver): Driver {
  return {
    ...driver,
    async open(on, signal) {
      const session = await driver.open(on, signal)
      return {
        info: session.info,
        admin: session.admin,
        contract: (...of) => session.contract(...of),
        publisher: (...of) => session.publisher(...of),
        async source(channel, reader, of, until) {
          const source = await session.source(channel, reader, of, until)
          if (!reader.worker.id.startsWith(name)) return source
          return {
            leaseMs: source.leaseMs,
            async receive(_room, signal) {
              if (!signal.aborted) await once(signal, 'abort')
              return []
            },
            settle: (...batch) => source.settle(...batch),
            renew: (...begun) => source.renew(...begun),
            stop: (...at) => source.stop(...at),
            [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
          }
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      }
    },
  }
}
