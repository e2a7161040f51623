import { describe, expect, test } from 'vitest'
import { cliWorld } from '../e2e/cliRun.ts'
import { channelName, missing, named, ourBus, theirClient, url } from './redisForeign.ts'

describe.skipIf(missing.redis !== null)(
  named('the time of an element that says none', missing.redis),
  () => {
    test('is the same at each look: none, then that of its first failure', async () => {
      using world = cliWorld()
      const name = channelName('timeless')
      const bus = await ourBus()
      const channel = { name, pattern: 'queue' } as const
      const queue = bus.queue<unknown>(name, {
        attempts: 2,
        backoff: { delayMsMin: 1, delayMsMax: 1 },
      })
      await queue.opened()
      await (await theirClient()).lPush(name, '{"n":1}')
      const [listed] = (await world.json('messages', 'ls', name, '-u', url)).items as object[]
      expect(listed).toMatchObject({ time: null })
      const [tailed] = await world.lines('tail', name, '-u', url)
      expect(tailed).toMatchObject({ time: null })
      const { stdout } = await world.run(['messages', 'ls', name, '-u', url])
      expect(stdout.split('\n')[1]?.trim().split(/ {2,}/)).toContain('-')

      const times: number[] = []
      const failing = Promise.withResolvers<void>()
      const worker = queue.subscribe(async (_, { message }) => {
        times.push(message.timeMs)
        if (times.length === 1) await bus.admin.pause(channel, true) // it is looked at first
        throw new Error('not today')
      })
      const beganMs = Date.now()
      worker.on('error', () => failing.resolve())
      const dead = Promise.withResolvers<void>()
      worker.on('dead', () => dead.resolve())
      await failing.promise
      const page = { cursor: null, limit: 9, newestFirst: false } as const
      // A look while the worker moves it to where it is due may miss it: one that has seen it counts.
      let found: { id: string; timeMs: number } | undefined
      const look = async () => {
        const { items } = await bus.admin.peek(channel, { ...page, from: 'first' })
        found = items[0]?.message
        return found?.timeMs
      }
      await expect.poll(look, { timeout: 10_000 }).toBeGreaterThanOrEqual(beganMs)
      const { id, timeMs: failedMs } = found ?? {}
      const shown = await world.json('messages', 'show', name, String(id), '-u', url)
      expect(Date.parse(String(shown.time))).toBe(failedMs)
      await bus.admin.pause(channel, false)
      await dead.promise
      expect(times[0]).toBeLessThanOrEqual(Number(failedMs))
      expect(times[0]).toBeGreaterThanOrEqual(beganMs)
      expect(times[1]).toBe(failedMs)
      const { items } = await bus.admin.deadLetters(channel, null, page)
      expect(items[0]?.message.timeMs).toBe(failedMs)
      await worker.drain()
    })
  },
)
