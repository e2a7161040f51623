import { appendFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import type { Bus, Channel } from '../../src/index.ts'
import { connect, NarrowcastError } from '../../src/index.ts'

interface Wish {
  /** Of a channel. @default a narrowcast, direct */
  readonly pattern?: 'broadcast' | 'queue' | 'stream'
  readonly via?: 'relay'
  /** A relay: with each decision to send it waits until it is told to go on. */
  readonly pauses?: boolean
  /** A publisher: so many messages at a time, and a pause after them. */
  readonly atOnce?: number
  readonly pauseMs?: number
  /** Of a relay or of a subscription. */
  readonly options?: object
}

/**
 * One relay, worker, subscriber or publisher in a process of its own. What it did it writes, a line
 * each, into a book that no SIGKILL takes back; what others wait for it tells its parent as well.
 */
const [role = '', url = '', path = '', name = '', wishes = '{}'] = process.argv.slice(2)
const wish = JSON.parse(wishes) as Wish

const isKept = wish.pattern === 'queue' || wish.pattern === 'stream'

/** Of the clock that all processes of a machine share. */
const nowMs = () => Number(process.hrtime.bigint() / 1_000n) / 1_000

function note(line: Record<string, unknown>): void {
  appendFileSync(path, `${JSON.stringify({ ...line, atMs: nowMs() })}\n`)
}

function tell(event: string, what: Record<string, unknown> = {}): void {
  note({ event, ...what })
  if (process.connected) process.send?.({ event, ...what })
}

/** Resolves when the parent says that very word. */
const heard = (word: string) =>
  new Promise<void>((resolve) => {
    const listen = (said: unknown) => {
      if (said !== word) return
      process.off('message', listen)
      resolve()
    }
    process.on('message', listen)
  })

async function relay(bus: Bus): Promise<void> {
  tell('waits')
  await heard('begin')
  const one = await bus.relay('rooms', {
    ...wish.options,
    onDecision: async (made) => {
      note({ event: 'decided', made: made.map(({ id, kind, to }) => [id, kind, to?.id]) })
      if (made[0]?.kind !== 'routed') return
      if (!wish.pauses) return turn()
      const goOn = heard('go on')
      tell('deciding', { ids: made.map(({ id }) => id) })
      await goOn
    },
  })
  one.on('ready', ({ isReady, why }) => tell(isReady ? 'leads' : 'stands by', { why }))
  one.on('gap', (gap) => tell('gap', { ...gap }))
  one.on('error', ({ id, error }) => note({ event: 'error', id, code: error.code }))
  tell('opened')
  await ending()
  note({ event: 'closing' })
  await one.close()
  tell('ended', { counts: one.counts })
}

async function worker(bus: Bus): Promise<void> {
  const one = channelOf(bus).subscribe((_, { message }) => note({ event: 'got', id: message.id }), {
    name,
    concurrency: 10,
    ...(isKept ? {} : { holdMax: 100_000 }),
    ...(wish.pattern === 'stream' ? { group: 'crew' } : {}),
    ...wish.options,
  })
  one.on('gap', (gap) => tell('gap', { ...gap }))
  one.on('error', ({ id, error }) => note({ event: 'error', id, code: error.code }))
  await one.ready()
  tell('opened', { worker: one.worker.id })
  await ending()
  tell('ended', { drained: await one.drain() })
}

async function publisher(bus: Bus): Promise<void> {
  const { atOnce = 1, pauseMs = 0 } = wish
  const channel = channelOf(bus)
  let isOver = false
  void ending().then(() => {
    isOver = true
  })
  await channel.opened()
  tell('opened')
  let published = 0
  while (!isOver) {
    const ids = Array.from({ length: atOnce }, () => `${name}-${published++}`)
    const sentMs = nowMs()
    const answers = await channel.publishMany(ids.map((id) => ({ data: id, options: { id } })))
    const said = answers.map((one, n) => [
      ids[n],
      one instanceof NarrowcastError ? one.code : one.receivers,
    ])
    note({ event: 'told', said, sentMs })
    await wait(pauseMs)
  }
  tell('ended', { published })
}

function channelOf(bus: Bus): Channel<unknown> {
  if (wish.pattern !== undefined) return bus[wish.pattern]('rooms')
  return bus.narrowcast('rooms', wish.via ? { via: wish.via } : {})
}

/** Told to end by its parent, or left alone by it. */
function ending(): Promise<unknown> {
  const left = new Promise<void>((resolve) => process.on('disconnect', resolve))
  return Promise.race([heard('end'), left])
}

flushCompileCache() // whoever is killed leaves it to the next one all the same
const roles: Record<string, (bus: Bus) => Promise<void>> = { relay, worker, publisher }
{
  await using bus = await connect(url)
  await roles[role]?.(bus)
}
if (process.connected) process.disconnect()
