import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { connect } from '../../src/connect.ts'
import { cliWorld, type Ran, type Running, type World } from './cliRun.ts'

const url = 'file:./.narrowcast/store?narrowcast=relay'
const lines = (count: number) => Array.from({ length: count }, (_, n) => `${n}\n`).join('')

interface Summary extends Record<string, unknown> {
  readonly taken: number
  readonly routed: number
  readonly no_worker: number
  readonly workers: Readonly<Record<string, number>>
}

function summaryOf({ stdout }: Ran): Summary {
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Summary
}

async function relay(world: World, ...words: string[]) {
  const running = world.start(['relay', 'rooms', '--pattern', 'narrowcast', ...words])
  await running.shows('leads:')
  return running
}

async function workers(world: World, count: number) {
  const words = ['--exec', 'true', '--workers', String(count), '-u', url, '--json']
  const running = world.start(['work', 'rooms', ...words])
  for (let n = 1; n <= count; n++) await running.shows(`"worker":"w${n}"`)
  const isHeard = async () => {
    const { items } = await world.json('workers', 'ls', '--for', '2s')
    return (items as { worker: string }[]).filter(({ worker }) => /^w\d-/.test(worker)).length
  }
  await expect.poll(isHeard, { timeout: 30_000 }).toBe(count)
  return running
}

/** Not in the midst of a transaction, for then everybody would wait for it. */
async function stopIdle({ child }: Running, path: string): Promise<void> {
  for (;;) {
    child.kill('SIGSTOP')
    await wait(20)
    if (isFree(path)) return
    child.kill('SIGCONT')
    await wait(20)
  }
}

function isFree(path: string): boolean {
  using db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec('BEGIN IMMEDIATE')
    return true
  } catch {
    return false
  }
}

it('gives each message to one worker, and its accounts add up', async () => {
  using world = cliWorld()
  const running = await relay(world, '--strategy', 'roundRobin', '--json')
  await world.run(['publish', 'rooms', '--lines', '-u', url], { input: lines(4) })
  await running.shows('no worker for')
  const crew = await workers(world, 2)
  await world.run(['publish', 'rooms', '--lines', '-u', url], { input: lines(10) })
  const seen = await world.run(['stats', '--prometheus'])
  expect(seen.stdout).toMatch(/narrowcast_relay\S*\{[^}]*channel="rooms"/)
  running.child.kill('SIGINT')
  const ran = await running.ended
  expect(ran.code).toBe(130)
  const { taken, routed, no_worker, workers: each } = summaryOf(ran)
  expect([taken, routed, no_worker]).toEqual([14, 10, 4])
  expect(Object.values(each)).toEqual([5, 5])
  expect(ran.stderr).toContain('taken 14   routed 10   no worker 4   tried a second worker 0')
  expect(ran.stderr).toMatch(/^given to {3}w1\S* 5 {3}w2\S* 5$/m)
  crew.child.kill('SIGINT')
  expect(summaryOf(await crew.ended)).toMatchObject({ acked: 10 })
})

it('holds the newest for a worker to come, and a second relay takes over', async () => {
  using world = cliWorld()
  const first = await relay(world)
  const second = world.start(['relay', 'rooms', '--hold', '2,1m', '--json'])
  await second.shows('stands by: another relay leads')
  first.child.kill('SIGTERM')
  expect((await first.ended).code).toBe(143)
  await second.shows('leads:')
  await world.run(['publish', 'rooms', '--lines', '-u', url], { input: lines(3) })
  await second.shows('no worker for 1 message')
  const crew = await workers(world, 1)
  await crew.shows(/settled[\s\S]*settled/)
  second.child.kill('SIGTERM')
  const ran = await second.ended
  expect(ran.code).toBe(143)
  expect(summaryOf(ran)).toMatchObject({ taken: 3, routed: 2, no_worker: 1, dropped: 0 })
  expect(ran.stderr).not.toContain('\u001b')
  crew.child.kill('SIGINT')
  await crew.ended
})

it('tells at the end what it was given and had not read when another took its place', async () => {
  using world = cliWorld()
  const first = await relay(world, '--json')
  const second = world.start(['relay', 'rooms', '--json'])
  await second.shows('stands by: another relay leads')
  await using bus = await connect(`file:${join(world.folder, '.narrowcast/store')}`)
  const rooms = bus.narrowcast<number>('rooms', { via: 'relay' })
  await rooms.opened()
  await stopIdle(first, join(world.folder, '.narrowcast/store/store.db'))
  // By who is there already: a process that is started may come when the lease is over.
  for (let n = 0; n < 5; n++) expect(await rooms.publish(n)).toMatchObject({ receivers: 1 })
  await second.shows('leads:')
  first.child.kill('SIGCONT')
  await first.shows('missed 5: reconnect')
  first.child.kill('SIGINT')
  const ran = await first.ended
  expect(summaryOf(ran)).toMatchObject({ taken: 0, missed: 5, missed_unknown: false })
  expect(ran.stderr).toMatch(/^done in .* {3}missed 5 {3}in all /m)
  second.child.kill('SIGINT')
  const other = await second.ended
  expect(summaryOf(other)).toMatchObject({ taken: 0, missed: 0, missed_unknown: false })
  expect(other.stderr).not.toContain('missed')
})

it('publish says who has received what is not stored', async () => {
  using world = cliWorld()
  const publish = ['publish', 'rooms', '1', '-u', url, '--pattern', 'narrowcast']
  expect((await world.run(publish)).stdout).toContain('received by nobody, not stored')
  const running = await relay(world)
  expect((await world.run(publish)).stdout).toContain('received by 1, not stored')
  expect(await world.json(...publish)).toMatchObject({ type: 'publish', receivers: 1 })
  expect(await world.json('publish', 'jobs', '1')).not.toHaveProperty('receivers')
  running.child.kill('SIGINT')
  await running.ended
})

it('publish of many says how many nobody received', async () => {
  using world = cliWorld()
  for (const pattern of ['narrowcast', 'broadcast']) {
    const publish = ['publish', `to.${pattern}`, '--lines', '-u', url, '--pattern', pattern]
    const text = await world.run(publish, { input: lines(300) })
    expect(text.stdout).toMatch(
      /^published to\.\w+ {2}300 messages .* {2}received by nobody: 300$/m,
    )
    const { stdout } = await world.run([...publish, '--json'], { input: lines(7) })
    expect(JSON.parse(stdout)).toMatchObject({ published: 7, received_by_nobody: 7, rejected: 0 })
  }
  const running = await relay(world)
  const publish = ['publish', 'rooms', '--lines', '-u', url]
  const heard = await world.run([...publish, '--json'], { input: lines(2) })
  expect(JSON.parse(heard.stdout)).toMatchObject({ published: 2, received_by_nobody: 0 })
  expect((await world.run(publish, { input: lines(2) })).stdout).not.toContain('nobody')
  const kept = await world.run(['publish', 'jobs', '--lines', '--json'], { input: '1\n' })
  expect(JSON.parse(kept.stdout)).not.toHaveProperty('received_by_nobody')
  running.child.kill('SIGINT')
  await running.ended
})

it.for([
  [4, ['nowhere'], 'there is no store'],
  [4, ['typo'], '--pattern narrowcast'],
  [2, ['jobs'], '"jobs" is a queue; relay serves a narrowcast'],
  [2, ['rooms', '--pattern', 'stream'], '"rooms" is a stream; relay serves a narrowcast'],
  [6, ['rooms', '-u', 'memory:'], 'memory: lives and ends with one process'],
  [2, ['rooms', '--hold', '5'], 'expected a count and a time as in 1000,5s'],
  [2, ['rooms', '--hold', '0,5s'], 'expected a whole number from 1 to 1000000'],
] as const)('refuses with exit %i: %s', async ([exit, words, text]) => {
  using world = cliWorld()
  if (words[0] !== 'nowhere') await world.run(['publish', 'jobs', '1'])
  const ran = await world.run(['relay', ...words])
  expect([ran.code, ran.stdout]).toEqual([exit, ''])
  expect(ran.stderr).toContain(text)
  const left = await world.run(['channels', 'ls', '--json'])
  expect(left.stdout).not.toContain('rooms')
})
