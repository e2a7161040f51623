import { expect, vi } from 'vitest'
import { connect } from '../../src/connect.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import { Load, type Place } from './failoverLoad.ts'

/** The server that takes commands on the channels of a test; waits while there is none. */
export type Primary = () => Promise<RedisServer>

/** Who hears nothing for so long after a new primary was there is deaf. */
const deafMs = 20_000

/**
 * Kills the primary that serves these channels while they are under load, and prints what became of
 * their messages. A primary answers before its replica has heard: what it acknowledged in its last
 * moments can be gone with it (`node-loss` is `no`). What the new one acknowledged is not.
 */
export async function failsOver(primary: Primary, places: readonly Place[]): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const loads = await Promise.all(places.map((place) => Load.start(place)))
  for (const load of loads) stack.use(load)
  await vi.waitFor(() => expect(loads.every((load) => load.handled.size > 200)).toBe(true), deafMs)
  const former = await primary()
  const killedAtMs = performance.now()
  await former.kill()
  const next = await primary()
  const promotedAtMs = performance.now()
  expect(next.url).not.toBe(former.url)
  await handled(loads, promotedAtMs)
  await Promise.all(loads.map((load) => load.finish()))
  process.stdout.write(`a new primary ${shown(promotedAtMs - killedAtMs)} after the kill\n`)
  for (const load of loads) {
    process.stdout.write(`  ${load.what}: ${told(load, killedAtMs, promotedAtMs)}\n`)
    if (!load.isKept) continue
    expect((await load.contract()).survives['node-loss']).toBe('no')
    const lostLater = load.lostAtMs.filter((atMs) => atMs > promotedAtMs)
    expect([load.what, lostLater]).toEqual([load.what, []])
  }
}

function told(load: Load, killedAtMs: number, promotedAtMs: number): string {
  const { acknowledged, counts, lostAtMs } = load
  const ages = lostAtMs.map((atMs) => killedAtMs - atMs)
  const lost = `${ages.length} lost`
  return [
    `first message ${shown((load.handledAfter(killedAtMs) as number) - promotedAtMs)} later`,
    `${acknowledged.size} acknowledged`,
    load.isKept && ages.length > 0 ? `${lost}, ${shown(Math.max(...ages))} old or less` : lost,
    `${counts.repeated} repeated, ${counts.unheard} told that nobody was there`,
    `${counts.rejected} publishes rejected, ${counts.open} of them open`,
  ].join('; ')
}

const shown = (ms: number) => `${Math.round(ms)} ms`

/** Each has handled what was published after this time. */
async function handled(loads: readonly Load[], atMs: number): Promise<void> {
  await vi.waitFor(
    () => {
      const deaf = loads.filter((load) => load.handledAfter(atMs) === null)
      expect(deaf.map(({ what }) => what)).toEqual([])
    },
    { timeout: deafMs, interval: 20 },
  )
}

/**
 * Kills a primary whose replica has not heard the last messages: exactly those are gone, as
 * `node-loss: no` says, although a server that writes each change to its disk acknowledged them.
 */
export async function losesWhatWasNotCopied(
  primary: Primary,
  replica: RedisServer,
  { url, name }: Pick<Place, 'url' | 'name'>,
): Promise<void> {
  await using bus = await connect(url, { telemetry: false })
  const queue = bus.queue<string>(name)
  expect((await queue.opened()).survives).toMatchObject({
    'broker-crash': 'yes',
    'node-loss': 'no',
  })
  const former = await primary()
  await queue.publish('copied')
  expect(await askRedis(former.url, 'WAIT', '1', '5000')).toBe(1)
  process.kill(replica.pid, 'SIGSTOP')
  await askRedis(former.url, 'CLIENT', 'KILL', 'TYPE', 'replica') // nothing is on its way to it
  await queue.publish('not copied')
  await former.kill()
  process.kill(replica.pid, 'SIGCONT')
  expect((await primary()).url).toBe(replica.url)
  const seen: string[] = []
  const worker = queue.subscribe((data) => void seen.push(data))
  worker.on('error', () => {}) // the connection has broken
  await queue.publish('after')
  await vi.waitFor(() => expect(seen).toContain('after'), { timeout: deafMs, interval: 20 })
  expect(seen.sort()).toEqual(['after', 'copied'])
}
