import assert from 'node:assert/strict'
import type { Driver, Source } from '../../core/driver.ts'
import type { Case } from './case.ts'
import { eventually, heard, workedOff } from './runtimeSteps.ts'
import type { RuntimeWorld } from './runtimeWorld.ts'

const soonMs = 150
/** A busy broker answers in that time: one that does not is told of, too. */
const answeredMs = 800

/** What the sources of one process are given of what the broker hands over. */
interface Ears {
  isDeaf: boolean
  /** After what they hear again. */
  readonly healedBy: 'fetch' | 'rebuild' | 'nothing'
  opened: number
}

function deaf(driver: Driver, ears: Ears): Driver {
  const around = (source: Source): Source => ({
    leaseMs: source.leaseMs,
    settle: (batch, signal) => source.settle(batch, signal),
    renew: (begun, signal) => source.renew(begun, signal),
    stop: (signal) => source.stop(signal),
    ...(source.deliverable && {
      deliverable: async (signal) =>
        (await source.deliverable?.(signal)) ?? { messages: 0, oldestMs: 0 },
    }),
    async receive(room, signal) {
      if (!ears.isDeaf) return source.receive(room, signal)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      if (ears.healedBy === 'fetch') ears.isDeaf = false
      return []
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  })
  return {
    name: driver.name,
    contracts: driver.contracts,
    async open(on, abort) {
      const session = await driver.open(on, abort)
      const open: typeof session.source = async (...wish) => {
        if (++ears.opened > 2 && ears.healedBy === 'rebuild') ears.isDeaf = false
        return around(await session.source(...wish))
      }
      return new Proxy(session, {
        get(target, name) {
          if (name === 'source') return open
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
}

/** A worker that has handled one message, and whose source is deaf after a reconnect. */
async function deafWorker(world: RuntimeWorld, healedBy: Ears['healedBy'], deafAfterMs = soonMs) {
  const ears: Ears = { isDeaf: false, healedBy, opened: 0 }
  const node = await world.node({}, (driver) => deaf(driver, ears))
  const channel = node.channel<string>()
  const handled: string[] = []
  const worker = channel.subscribe((what) => void handled.push(what), {
    ...world.group,
    deafAfterMs,
  })
  const steps = heard(worker, 'deaf')
  const ready = heard(worker, 'ready')
  worker.on('error', () => undefined) // the connection was cut
  await world.until(channel.publish('before'))
  await eventually(world, () => assert.deepEqual(handled, ['before']))
  ears.isDeaf = true
  node.driver.drop()
  await eventually(world, () => assert.equal(ears.opened, 2))
  await eventually(world, () => assert.ok(worker.isReady))
  ready.length = 0
  return { node, channel, worker, handled, steps, ready, ears }
}

/** Where nobody can tell, nothing is claimed to be deaf. */
async function staysSilent(world: RuntimeWorld): Promise<void> {
  const { channel, steps, ready } = await deafWorker(world, 'nothing')
  await world.until(channel.publish('lost on deaf ears'))
  await world.pass(soonMs * 10)
  assert.deepEqual([steps, ready], [[], []])
}

const isWatched = (claimed: { readonly watchdog: boolean }) => claimed.watchdog

export const runtimeWatchCases: readonly Case<RuntimeWorld>[] = [
  {
    name: 'watch: a source that is deaf after a reconnect is rebuilt, and not ready until it hears',
    needs: isWatched,
    async run(world) {
      const wish = [world, 'rebuild', answeredMs] as const
      const { node, channel, worker, handled, steps, ready } = await deafWorker(...wish)
      await world.until(channel.publish('after'))
      await eventually(world, () => assert.deepEqual(handled, ['before', 'after']))
      assert.deepEqual(
        steps.map(({ step }) => step),
        ['fetch', 'rebuild'],
      )
      assert.ok(steps.every(({ sinceMs, messages }) => sinceMs >= answeredMs && messages === 1))
      assert.deepEqual(
        ready.map(({ isReady }) => isReady),
        [false, true],
      )
      assert.ok(worker.isReady)
      await workedOff(world, node, 2)
    },
    refusal: staysSilent,
  },
  {
    name: 'watch: asking anew comes first, and may be enough',
    needs: isWatched,
    async run(world) {
      const { channel, handled, steps, ears } = await deafWorker(world, 'fetch', answeredMs)
      await world.until(channel.publish('after'))
      await eventually(world, () => assert.deepEqual(handled, ['before', 'after']))
      assert.deepEqual(
        steps.map(({ step }) => step),
        ['fetch'],
      )
      assert.equal(ears.opened, 2, 'the source was not rebuilt')
    },
    refusal: staysSilent,
  },
  {
    name: 'watch: what no rebuild helps is reported and never ready, and rebuilds back off',
    needs: isWatched,
    async run(world) {
      const { channel, worker, steps } = await deafWorker(world, 'nothing')
      await world.until(channel.publish('after'))
      const countOf = (step: string) => steps.filter((one) => one.step === step).length
      await eventually(world, () => assert.ok(countOf('rebuild') >= 3))
      assert.ok(!worker.isReady)
      // To open a source may take longer than the first pauses, which double.
      await eventually(world, () => assert.ok(countOf('report') > 0))
    },
    refusal: staysSilent,
  },
  {
    name: 'watch: each harmless silence stays green',
    needs: isWatched,
    async run(world) {
      const node = await world.node()
      const channel = node.channel<string>()
      const open = Promise.withResolvers<void>()
      const options = { ...world.group, deafAfterMs: answeredMs }
      const worker = channel.subscribe(() => open.promise, options)
      const steps = heard(worker, 'deaf')
      const ready = heard(worker, 'ready')
      await world.until(worker.ready())
      ready.length = 0
      const silence = () => world.pass(answeredMs * 2.5) // that is two looks, and more
      await silence() // nothing was published
      if (world.claimed.delay.how !== 'no') {
        await world.until(channel.publish('later', { delayMs: 3_600_000 }))
        await silence()
      }
      await world.until(channel.publish('busy'))
      await world.until(channel.publish('waits for a free slot'))
      await silence()
      assert.deepEqual([steps, ready], [[], []])
      open.resolve()
    },
    refusal: staysSilent,
  },
]
