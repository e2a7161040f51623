import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChannelSpec, SubscriberSpec } from '../../../core/channel.ts'
import type { Home } from '../servers.ts'
import { RedisLead } from './lead.ts'
import { keepScript } from './leadScripts.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A server that confirms a subscription, and answers a renewal, when it is told to. */
function slowHome() {
  const confirmed = Promise.withResolvers<void>()
  const kept: string[] = []
  const home: Partial<Home> = {
    ...{ isCluster: false, database: 0, ended: new AbortController().signal },
    subscribe: () => confirmed.promise,
    unsubscribe: async () => {},
    run: async <T>(script: object, _: readonly string[], args: readonly unknown[]) => {
      if (script === keepScript) kept.push(String(args[1]))
      return 1 as T
    },
  }
  return { home: home as Home, confirm: confirmed.resolve, kept }
}

function leadOf(home: Home) {
  const channel = { name: 'orders', pattern: 'narrowcast' } as ChannelSpec
  const worker = { id: 'w', incarnation: 'one' }
  const spec: SubscriberSpec = { worker, leaseMs: 250, hold: { messages: 1, bytes: 1_000 } }
  const on = { gap: () => {} }
  const options = {
    home,
    channel,
    spec,
    on,
    address: 'orders',
    sessionEnded: home.ended,
    checkOpen: () => {},
    left: () => {},
  }
  return new RedisLead(options, 'fence')
}

const never = new AbortController().signal

test('its lease is renewed while it opens, however long the server takes', async () => {
  const { home, confirm, kept } = slowHome()
  const lead = leadOf(home)
  const begun = lead.begin()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(lead.ended).toBeNull()
  expect(kept.length).toBeGreaterThan(6)
  confirm()
  await vi.advanceTimersByTimeAsync(0)
  expect(await begun).toBe(true)
  await lead.renew(never)
  await vi.advanceTimersByTimeAsync(300)
  expect(lead.ended).toMatchObject({ code: 'FENCED' })
})
