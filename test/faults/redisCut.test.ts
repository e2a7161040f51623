import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { expect, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { testRedis } from '../brokers/redisHere.ts'

const cuts = 200
const publishedMin = 1_000
const workers = 6
const publishers = 3
/** Ids are remembered by the server, so what may have been stored is sent again. */
const wish = { dedupe: { on: 'publish' }, publish: { timeoutMs: 120_000 } } as const

async function buses(url: string, count: number): Promise<Bus[]> {
  const all = await Promise.all(
    Array.from({ length: count }, () => connect(url, { telemetry: false })),
  )
  onTestFinished(async () => {
    await Promise.all(all.map((bus) => bus.close({ timeoutMs: 5_000 })))
  })
  return all
}

/** Resolves when the set has so many. */
function reaches(seen: ReadonlySet<number>, count: () => number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (seen.size < count()) return
      clearInterval(timer)
      resolve()
    }, 20)
  })
}

testRedis.each(['list', 'stream'])(
  'every connection is cut again and again under load: nothing is lost, nobody is deaf (%s)',
  async (queue) => {
    await using server = await startRedis()
    const url = `${server.url}?queue=${queue}`
    const seen = new Set<number>()
    const heard: Set<number>[] = []
    for (const bus of await buses(url, workers)) {
      bus.queue<number>('jobs', wish).subscribe((n) => void seen.add(n), { concurrency: 20 })
      const mine = new Set<number>()
      heard.push(mine)
      const news = bus.broadcast<number>('news').subscribe((n) => void mine.add(n))
      news.on('error', () => {})
      await news.ready()
    }
    const sources = await buses(url, publishers)
    let published = 0
    let isOver = false
    const publishing = sources.map(async (bus) => {
      const jobs = bus.queue<number>('jobs', wish)
      while (!isOver) {
        const from = published
        published += 50
        const batch = Array.from({ length: 50 }, (_, at) => ({ data: from + at }))
        for (const answer of await jobs.publishMany(batch)) {
          if (answer instanceof Error) throw answer
        }
      }
    })
    const load = Promise.all(publishing)
    load.catch(() => undefined) // told when the cuts are over
    const killer = createClient({ url: server.url })
    killer.on('error', () => {}) // it ends with its server
    await killer.connect()
    onTestFinished(() => killer.destroy())
    // A slow machine gets as many cuts as it needs to have published enough.
    for (let cut = 0; cut < cuts || published <= publishedMin; cut++) {
      await killer.sendCommand(['CLIENT', 'KILL', 'TYPE', cut % 2 === 0 ? 'normal' : 'pubsub'])
      await wait(25)
    }
    isOver = true
    await load
    await reaches(seen, () => published)
    // Each hears again what is told from now on.
    const [source] = sources as [Bus]
    const news = source.broadcast<number>('news')
    for (let n = 0; heard.some((mine) => mine.size === 0); n++) {
      await news.publish(n)
      await wait(50)
    }
    expect(seen.size).toBe(published)
    // Repeats may still wait.
    for (let left = 1; left > 0; ) {
      const [depth] = await source.admin.depths([{ name: 'jobs', pattern: 'queue' }])
      expect(depth).toMatchObject({ dead: 0 })
      left = Number(depth?.waiting) + Number(depth?.inFlight)
    }
  },
  180_000,
)

testRedis(
  '200 sessions come back at once after a restart, and each goes on',
  async () => {
    await using server = await startRedis({ profile: 'everysec' })
    const all = await buses(server.url, 200)
    const heard = new Set<number>()
    const seen = new Set<number>()
    for (const [at, bus] of all.entries()) {
      bus.queue<number>('jobs').subscribe((n) => void seen.add(n))
      bus.broadcast<number>('news').subscribe(() => void heard.add(at))
    }
    await all[0]?.queue<number>('jobs').publish(0)
    await reaches(seen, () => 1)
    await server.kill()
    await wait(1_000)
    await server.restart()
    const [first] = all as [Bus]
    await first
      .queue<number>('jobs')
      .publishMany(Array.from({ length: 1_000 }, (_, at) => ({ data: at + 1 })))
    await reaches(seen, () => 1_001)
    while (heard.size < all.length) {
      await first.broadcast<number>('news').publish(1)
      await wait(50)
    }
  },
  180_000,
)
