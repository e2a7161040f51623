import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { type DeadWorld, deadWorld } from './cliDeadScene.ts'

const total = 2_000
const kills = 8
const channel = { name: 'jobs', pattern: 'queue' } as const

/** Ids that wait, with their redrive counts, and ids that are dead. */
async function ids({ url }: DeadWorld) {
  await using bus = await connect(url)
  const [waiting, dead]: [string[], string[]] = [[], []]
  for (let cursor: string | null = null, isFirst = true; isFirst || cursor; isFirst = false) {
    const query = { from: 'first', cursor, limit: 1_000, newestFirst: false } as const
    const page: Awaited<ReturnType<typeof bus.admin.peek>> = await bus.admin.peek(channel, query)
    waiting.push(...page.items.map(({ message, redrives }) => `${message.id}~${redrives}`))
    cursor = page.cursor
  }
  for (let cursor: string | null = null, isFirst = true; isFirst || cursor; isFirst = false) {
    const query = { cursor, limit: 1_000, newestFirst: false }
    const page: Awaited<ReturnType<typeof bus.admin.deadLetters>> = await bus.admin.deadLetters(
      channel,
      null,
      query,
    )
    dead.push(...page.items.map(({ message, letter }) => `${message.id}~${letter.redrives}`))
    cursor = page.cursor
  }
  return { waiting, dead }
}

const everyId = (redrives: number) =>
  new Set(Array.from({ length: total }, (_, n) => `m${n}~${redrives}`))

it('a redrive that is killed again and again loses nothing and repeats nothing', async () => {
  using world = await deadWorld(total)
  const seed = Math.floor(Math.random() * 1_000_000)
  const random = seededRandom(seed)
  const words = ['dead', 'redrive', '--yes', '--rate', '500', '--json', '--no-live']
  let id: string | null = null
  for (let kill = 0; kill < kills; kill++) {
    const before = id === null ? -1 : progressOf(world, id).at
    const running = world.start([...words, ...(id === null ? ['jobs'] : ['--resume', id])])
    while (running.child.exitCode === null) {
      id ??= await jobOf(world)
      if (id !== null && progressOf(world, id).at > before) break
      await sleep(5)
    }
    id ??= await jobOf(world) // where all was moved before the first look had an answer
    if (kill % 2 === 0) await sleep(random() * 300)
    else while (!isInStep(world, id)) await sleep(1) // between stored and noted, with some luck
    running.child.kill('SIGKILL')
    await running.ended
    const { waiting, dead } = await ids(world)
    expect([seed, waiting.length + dead.length]).toEqual([seed, total])
    if (dead.length === 0) break
    expect(await world.json('dead', 'jobs', String(id))).toMatchObject({
      state: 'interrupted',
      total,
    })
  }
  const done = await world.json(...words.slice(0, -2), '--resume', String(id))
  expect([seed, done]).toMatchObject([
    seed,
    { state: 'done', at: total, redriven: total, failed: 0, gone: 0, unsure: 0, died_again: 0 },
  ])
  const { waiting, dead } = await ids(world)
  expect([seed, dead, waiting.length]).toEqual([seed, [], total])
  expect(new Set(waiting)).toEqual(everyId(1))
})

async function jobOf(world: DeadWorld): Promise<string | null> {
  const items = (await world.json('dead', 'jobs')).items as { job: string }[]
  return items[0]?.job ?? null
}

/** A batch is on its way, or nothing is any more. */
function isInStep(world: DeadWorld, id: string | null): boolean {
  if (id === null) return true
  const { at, begunTo } = progressOf(world, id)
  return begunTo > at || at === total
}

/** As the file says, which is replaced as a whole. */
function progressOf({ folder }: DeadWorld, id: string): { at: number; begunTo: number } {
  const path = join(folder, '.narrowcast/redrives', `${id}.json`)
  return (JSON.parse(readFileSync(path, 'utf8')) as { progress: { at: number; begunTo: number } })
    .progress
}
