import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ChannelSpec, SubscriberSpec } from '../../../core/channel.ts'
import type { Home } from '../servers.ts'
import { standScript } from './leadScripts.ts'
import { Standby } from './standby.ts'

const channel = { name: 'orders', pattern: 'narrowcast' } as ChannelSpec
const worker = { id: 'w', incarnation: 'one' }
const spec: SubscriberSpec = { worker, leaseMs: 300, hold: { messages: 1, bytes: 1_000 } }

/** A server that answers who asks for the lead when it is told to. */
function slowHome() {
  const asked = Promise.withResolvers<readonly unknown[]>()
  const answer = Promise.withResolvers<unknown>()
  const told: (readonly unknown[])[] = []
  const home: Partial<Home> = {
    ...{ isCluster: false, database: 0, ended: new AbortController().signal },
    subscribe: async () => {},
    unsubscribe: async () => {},
    run: async <T>(script: object, keys: readonly string[], args: readonly unknown[]) => {
      if (script !== standScript) {
        told.push(['released', keys[0], args[0]])
        return 1 as T
      }
      asked.resolve(args)
      return (await answer.promise) as T
    },
    send: async <T>(words: readonly unknown[]) => {
      told.push(words)
      return 1 as T
    },
  }
  return { home: home as Home, asked: asked.promise, answer: answer.resolve, told }
}

test.for([
  ['is granted', [1, 0, '7:f'], (fence: unknown) => ['released', '{orders}:leader', fence]],
  ['still waits', [0, 50, '7:f'], () => ['ZREM', '{orders}:standby', '7:f']],
] as const)(
  'one that is aborted while it asks leaves in a second, and again when it %s',
  async ([_name, said, left]) => {
    const { home, asked, answer, told } = slowHome()
    const abort = new AbortController()
    const granted = new Standby(home, channel, spec, abort.signal).granted()
    const [fence] = await asked
    abort.abort()
    await expect(granted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(told).toEqual([])
    answer([...said])
    await turn()
    expect(told).toEqual([left(fence)])
  },
)
