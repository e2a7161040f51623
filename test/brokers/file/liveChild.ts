import { once } from 'node:events'
import type { ChannelSpec } from '../../../src/core/channel.ts'
import type { LiveSource } from '../../../src/core/driver.ts'
import type { LivePattern } from '../../../src/core/message.ts'
import { liveOf, message, never, open, quiet, spec, subscriberSpec } from './store.ts'

const room = { messages: 100, bytes: 1e8 }

/** Tells the parent, and resolves when it was told. */
function say(what: unknown): Promise<void> {
  return new Promise((done) => process.send?.(what, undefined, undefined, () => done()))
}

/** As the runtime does, at a third of the lease. */
function keepAlive(source: LiveSource): void {
  const renew = () => source.renew(never).catch(() => clearInterval(timer))
  const timer = setInterval(renew, source.leaseMs / 3)
}

const channelOf = (pattern: LivePattern): ChannelSpec => spec({ name: 'news', pattern })

/** Says what it is given, until it is killed or its subscription ends. */
async function subscribe(
  dir: string,
  pattern: LivePattern,
  id: string,
  incarnation: string,
  leaseMs: number,
): Promise<void> {
  const { session } = await open(dir)
  const self = subscriberSpec(id, { incarnation, leaseMs })
  const source = await liveOf(session).subscribe(channelOf(pattern), self, quiet, never)
  keepAlive(source)
  await say('ready')
  for (;;) await say((await source.receive(room, never)).map((one) => one.id))
}

/** Waits to lead and says its fence, then sends what it is told to, and says the outcomes. */
async function lead(dir: string, id: string, leaseMs: number, to: string): Promise<void> {
  const { session } = await open(dir)
  const live = liveOf(session)
  const channel = channelOf('narrowcast')
  const won = await live.lead(channel, subscriberSpec(id, { leaseMs }), quiet, never)
  keepAlive(won)
  await say(won.fence)
  for (;;) {
    const [ids] = (await once(process, 'message')) as [string[]]
    const batch = ids.map((one) => ({
      to: { id: to, incarnation: '1' },
      message: message(one),
    }))
    await say(await live.send(channel, batch, won, never))
    const leads = won.renew(never).then(() => 'leads')
    await say(await leads.catch(({ code }) => code))
  }
}

const [what, dir = '', a = '', b = '', c = '', d = ''] = process.argv.slice(2)
const roles: Record<string, () => Promise<void>> = {
  subscribe: () => subscribe(dir, a as LivePattern, b, c, Number(d)),
  lead: () => lead(dir, a, Number(b), c),
}
await roles[what ?? '']?.()
