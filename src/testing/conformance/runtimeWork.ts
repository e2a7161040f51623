import assert from 'node:assert/strict'
import type { DeadLetter } from '../../core/message.ts'
import { dead, retry } from '../../core/verdict.ts'
import type { Case } from './case.ts'
import {
  codesOf,
  deadOf,
  depthOf,
  eventually,
  heard,
  keptLeaseMs,
  shortLeaseMs,
  soon,
  workedOff,
} from './runtimeSteps.ts'
import type { RuntimeWorld } from './runtimeWorld.ts'

export const runtimeWorkCases: readonly Case<RuntimeWorld>[] = [
  {
    name: 'work: attempts are exact, and the dead letter tells them',
    needs: (claimed) => claimed.counts.failures === 'exact' && claimed.deadLetters,
    async run(world) {
      const node = await world.node()
      const channel = node.channel<string>({ attempts: 3, backoff: soon })
      const attempts: number[][] = []
      const worker = channel.subscribe((_, { attempt, failures, crashes }) => {
        attempts.push([attempt, failures, Number(crashes)])
        throw new TypeError(`attempt ${attempt}`)
      }, world.group)
      const buried = heard(worker, 'dead')
      const errors = heard(worker, 'error')
      await world.until(channel.publish('x', { id: 'm' }))
      const depth = await workedOff(world, node, 1)
      assert.deepEqual(attempts, [
        [1, 0, 0],
        [2, 1, 0],
        [3, 2, 0],
      ])
      assert.equal(depth.dead, 1)
      const [entry] = await deadOf(world, node)
      assert.equal(entry?.message.id, 'm')
      const { cause, failures, crashes, error, worker: who } = entry?.letter ?? ({} as DeadLetter)
      assert.deepEqual([cause, failures, crashes, who], ['failures', 3, 0, worker.worker.id])
      assert.deepEqual([error?.name, error?.message], ['TypeError', 'attempt 3'])
      assert.deepEqual(
        buried.map(({ id }) => id),
        ['m'],
      )
      assert.deepEqual(
        errors.map(({ id, error: told }) => [id, told.code]),
        Array(3).fill(['m', 'HANDLER_FAILED']),
      )
    },
    async refusal(world) {
      const node = await world.node()
      const opening = node.channel({ attempts: 3 }).opened()
      await assert.rejects(world.until(opening), { code: 'UNSUPPORTED' })
    },
  },
  {
    name: 'work: a verdict decides: ack, retry with its own delay, dead',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<string>({ backoff: { delayMsMin: 60_000, delayMsMax: 60_000 } })
      const seen: string[] = []
      channel.subscribe((what, { failures }) => {
        seen.push(`${what} ${failures}`)
        if (what === 'dead') return dead('of no use')
        if (what === 'again' && failures === 0) return retry({ delayMs: 10 })
        return { kind: 'ack' }
      }, world.group)
      for (const what of ['ack', 'again', 'dead']) await world.until(channel.publish(what))
      const depth = await workedOff(world, node, 3)
      assert.deepEqual(seen.sort(), ['ack 0', 'again 0', 'again 1', 'dead 0'])
      assert.equal(depth.dead, 1)
      const [entry] = await deadOf(world, node)
      assert.deepEqual([entry?.letter.cause, entry?.letter.reason], ['verdict', 'of no use'])
    },
  },
  {
    name: 'work: retry backoff stays within its bounds',
    needs: (claimed) => claimed.delay.how !== 'no',
    async run(world) {
      const node = await world.node()
      const backoff = { delayMsMin: 40, delayMsMax: 100 }
      const channel = node.channel<number>({ attempts: 6, backoff })
      const times = new Map<string, number[]>()
      const worker = channel.subscribe(
        (_, { message }) => {
          times.set(message.id, [...(times.get(message.id) ?? []), world.clock.monotonicMs()])
          throw new Error('it broke')
        },
        { ...world.group, concurrency: 10 },
      )
      const errors = heard(worker, 'error')
      for (let n = 0; n < 10; n++) await world.until(channel.publish(n))
      await workedOff(world, node, 10)
      assert.deepEqual(new Set(codesOf(errors)), new Set(['HANDLER_FAILED']))
      const pauses = [...times.values()].map((all) =>
        all.slice(1).map((at, n) => at - (all[n] ?? 0)),
      )
      assert.ok(pauses.every((one) => one.length === 5))
      const { errorMs, errorShare } = world.claimed.delay
      for (const one of pauses) {
        for (const [failures, pauseMs] of one.entries()) {
          const most = Math.min(backoff.delayMsMax, backoff.delayMsMin * 2 ** failures)
          // From above only where no other work can get between.
          if (world.isExact) {
            assert.ok(pauseMs <= most * (1 + errorShare) + errorMs, `${pauseMs} of ${most}`)
          }
        }
      }
      assert.ok(new Set(pauses.flat().map(Math.round)).size > 5, 'jitter spreads them')
    },
    refusal: async () => {},
  },
  {
    name: 'work: invalid becomes a dead letter, is never handed over and not acked away',
    needs: (claimed) => claimed.deadLetters,
    async run(world) {
      const node = await world.node()
      const raw = node.channel<Uint8Array>({ codec: 'bytes' })
      await world.until(raw.publish(new TextEncoder().encode('{"broken'), { id: 'broken' }))
      const sender = node.channel<unknown>()
      await world.until(sender.publish({ count: 'many' }, { id: 'unfit' }))
      await world.until(sender.publish({ count: 1 }, { id: 'fit' }))
      const seen: unknown[] = []
      const reader = await world.node()
      const checked = reader.channel<{ count: number }>({ schema: countSchema })
      checked.subscribe((data) => {
        seen.push(data)
      }, world.group)
      const depth = await workedOff(world, node, 3)
      assert.deepEqual(seen, [{ count: 1 }])
      assert.deepEqual([depth.dead, depth.out], [2, 1])
      const letters = await deadOf(world, node)
      assert.deepEqual(
        letters.map(({ message, letter }) => [message.id, letter.cause, letter.failures]).sort(),
        [
          ['broken', 'invalid', 0],
          ['unfit', 'invalid', 0],
        ],
      )
      const body = letters.find(({ message }) => message.id === 'broken')?.message.body ?? ''
      assert.equal(Buffer.from(body).toString(), '{"broken')
    },
    refusal: async () => {},
  },
  {
    name: 'work: a batch has one verdict per message',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ backoff: soon })
      const answers = await world.until(
        channel.publishMany([0, 1, 2, 3].map((data) => ({ data, options: { id: `m${data}` } }))),
      )
      assert.equal(answers.length, 4)
      const batches: string[][] = []
      channel.subscribe(
        (batch) => {
          batches.push(batch.map(({ message, attempt }) => `${message.id}#${attempt}`))
          return batch.map(({ data, failures }) => {
            if (data === 1 && failures === 0) return retry({ delayMs: 1 })
            return data === 2 ? dead('no') : undefined
          })
        },
        { ...world.group, batch: { size: 10, waitMsMax: 20 } },
      )
      const depth = await workedOff(world, node, 4)
      assert.deepEqual(batches.flat().sort(), ['m0#1', 'm1#1', 'm1#2', 'm2#1', 'm3#1'])
      assert.deepEqual([depth.out, depth.dead], [3, 1])
      assert.deepEqual(
        (await deadOf(world, node)).map(({ message }) => message.id),
        ['m2'],
      )
    },
  },
  {
    name: 'work: drain charges nobody, and gives back what had not begun',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>()
      for (let n = 0; n < 6; n++) await world.until(channel.publish(n))
      const begun = Promise.withResolvers<void>()
      const worker = channel.subscribe(
        (_, { signal }) => {
          begun.resolve()
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')))
          })
        },
        { ...world.group, concurrency: 2, abortMs: 5_000 },
      )
      await world.until(begun.promise)
      const drained = await world.until(worker.drain({ timeoutMs: 50 }))
      assert.equal(drained.settled, 0)
      assert.equal(drained.abandoned, 0)
      assert.ok(drained.released >= 1)
      const counts: number[][] = []
      channel.subscribe((_, { failures, crashes }) => {
        counts.push([failures, Number(crashes)])
      }, world.group)
      await workedOff(world, node, 6)
      assert.deepEqual(counts, Array(6).fill([0, 0]))
    },
  },
  {
    name: 'work: a handler that ends by the drain is acknowledged',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>()
      await world.until(channel.publish(1))
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const worker = channel.subscribe(() => {
        begun.resolve()
        return end.promise
      }, world.group)
      await world.until(begun.promise)
      const draining = worker.drain({ timeoutMs: 20_000 })
      end.resolve()
      assert.deepEqual(await world.until(draining), { settled: 1, released: 0, abandoned: 0 })
      assert.equal((await depthOf(world, node)).out, 1)
    },
  },
  {
    name: 'work: a handler that runs longer than the lease keeps its message',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ leaseMs: keptLeaseMs })
      let runs = 0
      const handler = async () => {
        runs++
        await world.clock.sleep(2 * keptLeaseMs, world.signal)
      }
      const worker = channel.subscribe(handler, world.group)
      const other = (await world.node()).channel<number>({ leaseMs: keptLeaseMs })
      other.subscribe(handler, world.group)
      const lost = heard(worker, 'lost')
      await world.until(channel.publish(1))
      await workedOff(world, node, 1)
      assert.deepEqual([runs, lost.length], [1, 0])
    },
  },
  {
    name: 'work: late is told to whoever was frozen, and the signal has fired',
    needs: (claimed) => claimed.redelivery.how === 'on-lease',
    async run(world) {
      const frozen = await world.node()
      const node = await world.node()
      const channel = frozen.channel<number>({ leaseMs: shortLeaseMs })
      const begun = Promise.withResolvers<AbortSignal>()
      const end = Promise.withResolvers<void>()
      const worker = channel.subscribe(async (_, { signal }) => {
        begun.resolve(signal)
        await end.promise
        await frozen.process.gate()
      }, world.group)
      const late = heard(worker, 'late')
      const lost = heard(worker, 'lost')
      await world.until(channel.publish(1, { id: 'm' }))
      const signal = await world.until(begun.promise)
      frozen.process.freeze()
      const taken = Promise.withResolvers<number>()
      node.channel<number>({ leaseMs: 20_000 }).subscribe((_, { crashes }) => {
        taken.resolve(Number(crashes))
      }, world.group)
      assert.equal(await world.until(taken.promise), 1)
      frozen.process.thaw()
      await eventually(world, () => assert.ok(lost.length > 0 && signal.aborted))
      assert.equal(signal.reason.code, 'LATE')
      end.resolve()
      await eventually(world, () =>
        assert.deepEqual(
          late.map(({ id }) => id),
          ['m'],
        ),
      )
      assert.equal((await workedOff(world, node, 1)).out, 1)
    },
    refusal: async () => {},
  },
]

const countSchema = {
  '~standard': {
    version: 1 as const,
    vendor: 'narrowcast',
    validate(value: unknown) {
      const data = value as { count: number }
      return typeof data?.count === 'number'
        ? { value: data }
        : { issues: [{ message: 'count is not a number' }] }
    },
  },
}
