import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect, NarrowcastError } from '../../src/index.ts'
import { cliWorld } from '../e2e/cliRun.ts'

const jobs = { name: 'jobs', pattern: 'queue' } as const
const drainMsMax = 10_000

/** Notes each message when its handler has ended; every handler takes a moment. */
const module = (log: string) => `
  import { appendFileSync } from 'node:fs'
  import { setTimeout as wait } from 'node:timers/promises'
  export default async (data, { message }) => {
    await wait(5 + Math.random() * 20)
    appendFileSync(${JSON.stringify(log)}, message.id + '\\n')
  }`

const linesOf = (file: string) => readFileSync(file, 'utf8').trim().split('\n')

test('SIGTERM under full load: in time, nothing lost, nothing twice, and nobody is charged', async () => {
  using world = cliWorld()
  const log = join(world.folder, 'handled.log')
  writeFileSync(log, '')
  writeFileSync(join(world.folder, 'slow.mjs'), module(log))
  const url = `file:${join(world.folder, '.narrowcast/store')}`
  await using bus = await connect(url)
  const queue = bus.queue<number>('jobs')
  const published: string[] = []
  let isPouring = true
  const pour = async () => {
    while (isPouring) {
      const batch = Array.from({ length: 200 }, (_, n) => ({ data: n }))
      for (const answer of await queue.publishMany(batch)) {
        if (answer instanceof NarrowcastError) throw answer
        published.push(answer.id)
      }
    }
  }
  await queue.opened()
  const pouring = pour()
  pouring.catch(() => undefined) // told when the program has ended
  const work = ['work', 'jobs', '--module', 'slow.mjs', '--workers', '2', '--concurrency', '50']
  const running = world.start(work)
  await expect.poll(() => linesOf(log).length, { timeout: 30_000 }).toBeGreaterThan(500)
  const startMs = performance.now()
  running.child.kill('SIGTERM')
  const { code, stderr } = await running.ended
  expect(performance.now() - startMs).toBeLessThan(drainMsMax + 2_000)
  isPouring = false
  await pouring
  expect(code, stderr).toBe(143)

  const [depth] = await bus.admin.depths([jobs])
  expect(depth).toMatchObject({ inFlight: 0, scheduled: 0, dead: 0 })
  const handled = linesOf(log)
  expect(new Set(handled).size).toBe(handled.length)
  const waiting: string[] = []
  for (let cursor: string | null = null; ; ) {
    const query = { cursor, limit: 1_000, newestFirst: false, from: 'first' } as const
    const page = await bus.admin.peek(jobs, query)
    for (const { message, failures, crashes } of page.items) {
      expect([failures, crashes], message.id).toEqual([0, 0])
      waiting.push(message.id)
    }
    cursor = page.cursor
    if (cursor === null) break
  }
  expect([...handled, ...waiting].sort()).toEqual(published.toSorted())
}, 90_000)
