import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { deadWorld, letDie, openWorker } from './cliDeadScene.ts'
import type { World } from './cliRun.ts'

const count = async (world: World) => {
  const { waiting, dead } = await world.json('channels', 'show', 'jobs')
  return { waiting, dead }
}
const slow = ['dead', 'redrive', 'jobs', '--yes', '--rate', '1/s', '--json', '--no-live']
const jobs = async (world: World) =>
  (await world.json('dead', 'jobs')).items as Record<string, unknown>[]

/** Starts a slow redrive. @returns its job once something was moved. */
async function startSlow(world: World) {
  const running = world.start(slow)
  for (;;) {
    const [job] = await jobs(world)
    if (Number(job?.redriven) > 0) return { running, id: String(job?.job) }
  }
}

it('says first what it would do, moves the oldest, and leaves a job behind', async () => {
  using world = await deadWorld(41)
  const dry = await world.run(['dead', 'redrive', 'jobs', '--max', '37', '--dry-run'])
  expect(dry).toMatchObject({ code: 0, stdout: '' })
  expect(dry.stderr.split('\n')).toEqual([
    '37 to move of 41 dead in jobs, 0 already gone, about 1 s',
    expect.stringMatching(/^ {2}37 {2}Error: no hero \d+ {3}last [\d:]+$/),
    '4 more fit and wait: 37 are a job; do the same again for them',
    'would move 37 to jobs (where they came from), at most 50/s, attempts reset to 0',
    'nothing changed (dry run)',
    '',
  ])
  expect(await jobs(world)).toEqual([])
  const done = await world.json('dead', 'redrive', 'jobs', '--max', '37', '--rate', '900', '--yes')
  expect(done).toMatchObject({
    ...{ type: 'dead.redrive', chosen: 37, redriven: 37, failed: 0, gone: 0, more: 4 },
    ...{ state: 'done', at: 37, died_again: 0, maybe_twice: 0, unsure: 0, to: null },
  })
  expect(await jobs(world)).toMatchObject([{ job: done.job, state: 'done', total: 37 }])
  const text = await world.run(['dead', 'jobs'])
  expect(text.stdout).toContain('done, 37')
  for (const words of [['cancel'], ['jobs'], ['redrive', '--resume'], ['ls', '--job']]) {
    const complete = () => world.run(['__complete', '--', 'dead', ...words, 'r_'])
    // Names come fast or not at all: on a busy machine not at the first time.
    await expect.poll(complete, { timeout: 30_000 }).toMatchObject({ stdout: `${done.job}\n` })
  }
  expect(await count(world)).toEqual({ waiting: 37, dead: 4 })
})

it('a redrive of another process is cancelled in order, and goes on', async () => {
  using world = await deadWorld(30)
  const { running, id } = await startSlow(world)
  const second = await world.run(['dead', 'redrive', '--resume', id, '--yes'])
  expect(second).toMatchObject({ code: 2, stdout: '' })
  expect(second.stderr).toContain(`job ${id} runs in another process`)
  expect((await world.run(['dead', 'cancel', id])).code).toBe(5)
  const cancelled = await world.json('dead', 'cancel', id, '--yes')
  expect(cancelled).toMatchObject({ type: 'dead.cancel', state: 'cancelled', total: 30 })
  const ran = await running.ended
  expect(ran.code).toBe(130)
  expect(ran.stderr).toContain(
    `cancelled at ${cancelled.at} of 30. Go on: narrowcast dead redrive --resume ${id}`,
  )
  expect(JSON.parse(ran.stdout)).toMatchObject({ state: 'cancelled', redriven: cancelled.redriven })
  const moved = Number(cancelled.redriven)
  expect(await count(world)).toEqual({ waiting: moved, dead: 30 - moved })
  const listed = await world.run(['dead', 'jobs', '--width', '80'])
  expect(listed.stdout).toContain(`${id}  cancelled at ${cancelled.at} of 30  jobs`)
  const goOn = `go on with narrowcast dead redrive --resume ${id}\n`
  expect((await world.run(['dead', 'jobs', id])).stdout).toContain(goOn)
  const again = await world.json('dead', 'redrive', '--resume', id, '--yes', '--rate', '900')
  expect(again).toMatchObject({ job: id, state: 'done', redriven: 30, gone: 0, maybe_twice: 0 })
  expect(await count(world)).toEqual({ waiting: 30, dead: 0 })
  expect((await world.run(['dead', 'jobs', id])).stdout).not.toContain('go on')
  const over = await world.run(['dead', 'cancel', id, '--yes'])
  expect([over.code, over.stderr]).toEqual([0, `job ${id} is done already\n`])
})

it('Ctrl-C ends it in order and says how to go on', async () => {
  using world = await deadWorld(30)
  const { running, id } = await startSlow(world)
  running.child.kill('SIGINT')
  const ran = await running.ended
  expect(ran.code).toBe(130)
  expect(ran.stderr).toMatch(/cancelled at \d+ of 30\. Go on: narrowcast dead redrive --resume r_/)
  const [job] = await jobs(world)
  expect(job).toMatchObject({ job: id, state: 'cancelled' })
  expect(await count(world)).toEqual({ waiting: job?.redriven, dead: 30 - Number(job?.redriven) })
})

it('a killed redrive is interrupted; what is gone meanwhile is told before it goes on', async () => {
  using world = await deadWorld(30)
  const { running, id } = await startSlow(world)
  running.child.kill('SIGKILL')
  await running.ended
  const [job] = await jobs(world)
  expect(job).toMatchObject({ job: id, state: 'interrupted' })
  const text = await world.run(['dead', 'jobs', id])
  expect(text.stdout).toContain(`interrupted at ${job?.at} of 30`)
  await world.json('dead', 'purge', 'jobs', '--id', 'm29', '--confirm', 'jobs')
  const left = 30 - Number((await count(world)).waiting)
  const dry = await world.run(['dead', 'redrive', '--resume', id, '--dry-run'])
  const [, toMove, gone] =
    /^(\d+) to move of the 30 of job \S+, (\d+) already/.exec(dry.stderr) ?? []
  expect(Number(toMove)).toBe(left - 1)
  expect(Number(gone)).toBeGreaterThanOrEqual(1)
  const done = await world.json('dead', 'redrive', '--resume', id, '--yes', '--rate', '900')
  expect(done).toMatchObject({ state: 'done', redriven: 29, gone: 1 })
  expect(await count(world)).toEqual({ waiting: 29, dead: 0 })
})

it('an interrupted job is cancelled by whoever asks', async () => {
  using world = await deadWorld(30)
  const { running, id } = await startSlow(world)
  running.child.kill('SIGKILL')
  await running.ended
  expect(await world.json('dead', 'cancel', id, '--yes')).toMatchObject({ state: 'cancelled' })
  expect(await jobs(world)).toMatchObject([{ state: 'cancelled' }])
})

it('stops when too many die again, with exit 8, and lists them', async () => {
  using world = await deadWorld(300)
  const running = world.start(['dead', 'redrive', 'jobs', '--yes', '--rate', '20', '--json'])
  await using _ = await openWorker(world.url, () => true)
  const ran = await running.ended
  expect(ran.code).toBe(8)
  const { job, ...rest } = JSON.parse(ran.stdout) as Record<string, unknown>
  expect(rest).toMatchObject({
    state: 'stopped',
    why: expect.stringMatching(/\d+ of \d+ died again/),
  })
  expect(ran.stderr).toMatch(
    /stopped at \d+ of 300: .* died again\. Go on: narrowcast dead redrive/,
  )
  await expect.poll(async () => (await count(world)).dead, { timeout: 20_000 }).toBe(300)
  const again = await world.json('dead', 'ls', 'jobs', '--job', String(job))
  expect(again.total).toBe(rest.redriven)
  expect(await world.json('dead', 'jobs', String(job))).toMatchObject({ died_again: rest.redriven })
})

it('leaves out what died after three redrives, and says how to take it', async () => {
  using world = await deadWorld(2)
  for (let round = 0; round < 3; round++) {
    expect(await world.json('dead', 'redrive', 'jobs', '--yes')).toMatchObject({ redriven: 2 })
    await letDie(world.url, 2, () => true)
  }
  const none = await world.run(['dead', 'redrive', 'jobs', '--yes'])
  expect(none).toMatchObject({ code: 0, stdout: 'redriven 0/0   failed 0\n' })
  expect(none.stderr).toBe(
    '2 left out: redriven 3 times and dead again (--redrives-max 4 takes more)\n',
  )
  const { items } = await world.json('dead', 'ls')
  expect(items).toMatchObject([{ channel: 'jobs', count: 2, redrives: 3 }])
  const more = await world.json('dead', 'redrive', 'jobs', '--yes', '--redrives-max', '4')
  expect(more).toMatchObject({ redriven: 2, left_out: 0 })
})

it('to another channel, which must be there', async () => {
  using world = await deadWorld(3)
  const nowhere = await world.run(['dead', 'redrive', 'jobs', '--to', 'repair', '--yes'])
  expect(nowhere.stderr).toContain('To make it: narrowcast channels create repair\n')
  expect(nowhere).toMatchObject({ code: 4, stdout: '' })
  await world.json('channels', 'create', 'repair')
  expect(await world.json('dead', 'redrive', 'jobs', '--to', 'repair', '--yes')).toMatchObject({
    ...{ redriven: 3, to: 'repair' },
  })
  expect(await count(world)).toEqual({ waiting: 0, dead: 0 })
  expect(await world.json('messages', 'ls', 'repair')).toMatchObject({
    items: [{ id: 'm2', redrives: 1, message_type: 'jobs' }, {}, {}],
  })
})

it.for([
  [['--cause', 'verdict'], 0],
  [['--cause', 'failures'], 12],
  [['--reason', 'NO HERO 1'], 3],
  [['--since', '1h'], 12],
  [['--before', '1h'], 0],
  [['--reason', 'hero 1', '--where', 'data.n > 10'], 1],
] as const)('%s chooses %i of 12', async ([words, chosen]) => {
  using world = await deadWorld(12)
  expect(await world.json('dead', 'redrive', 'jobs', '--dry-run', ...words)).toMatchObject({
    chosen,
  })
  expect(await world.json('dead', 'ls', 'jobs', ...words)).toMatchObject({ total: chosen })
})

it('a disk that takes no note ends it, and it goes on when the disk does', async () => {
  using world = await deadWorld(30)
  const { running, id } = await startSlow(world)
  const inTheWay = join(world.folder, '.narrowcast/redrives', `${id}.json.tmp`)
  for (;;) {
    try {
      mkdirSync(inTheWay)
      break
    } catch {
      await sleep(1) // it is being written at this very moment
    }
  }
  const ran = await running.ended
  expect(ran.code).toBe(3)
  const error = JSON.parse(ran.stderr.trim().split('\n').at(-1) ?? '') as Record<string, string>
  expect(error.message).toMatch(
    new RegExp(`^job ${id}: interrupted at \\d+ of 30: cannot write job`),
  )
  expect(error.hint).toContain(`Go on: narrowcast dead redrive --resume ${id}`)
  rmSync(inTheWay, { recursive: true })
  expect(await jobs(world)).toMatchObject([{ job: id, state: 'interrupted' }])
  const done = await world.json('dead', 'redrive', '--resume', id, '--yes', '--rate', '900')
  expect(done).toMatchObject({ state: 'done', redriven: 30, failed: 0 })
  expect(await count(world)).toEqual({ waiting: 30, dead: 0 })
})

it('refuses what makes no sense, and files of others', async () => {
  using world = await deadWorld(1)
  const refusals = [
    [['redrive'], 2, 'a channel is missing, or --resume JOB'],
    [['redrive', 'jobs', '--resume', 'r_aaaaaa'], 2, '--resume and jobs exclude each other'],
    [['redrive', '--resume', 'r_aaaaaa', '--max', '1'], 2, '--resume and --max exclude'],
    [['redrive', '--resume', 'r_aaaaaa', '--yes'], 4, 'there is no redrive job "r_aaaaaa"'],
    [['jobs', '../../secret'], 4, 'there is no redrive job'],
    [['cancel', 'r_aaaaaa', '--yes'], 4, 'there is no redrive job'],
    [['redrive', 'jobs', '--stop-if', '120%'], 2, '--stop-if'],
    [['redrive', 'jobs', '--stop-if', 'never'], 2, '--stop-if 100% never stops'],
    [['redrive', 'jobs', '--rate', '1/m'], 2, '--rate'],
    [['redrive', 'jobs', '--max', '100001'], 2, '--max'],
    [['redrive', 'jobs', '--redrives-max', '0'], 2, '--redrives-max'],
    [['redrive', 'jobs', '--cause', 'bad'], 2, '--cause'],
    [['redrive', 'jobs', '--since', 'soon'], 2, '--since'],
    [['ls', 'jobs', '--since', '1h', '--before', '2h'], 2, '--since is not before --before'],
    [['ls', '--group', 'g'], 2, '--group needs a channel'],
    [['show', 'jobs', '--raw', '--json'], 2, '--raw excludes'],
  ] as const
  for (const [words, code, text] of refusals) {
    const ran = await world.run(['dead', ...words])
    expect([words, ran.code, ran.stdout]).toEqual([words, code, ''])
    expect(ran.stderr).toContain(text)
  }
  expect(readdirSync(join(world.folder, '.narrowcast'))).toEqual(['store'])
  const { job } = await world.json('dead', 'redrive', 'jobs', '--yes')
  const path = join(world.folder, '.narrowcast/redrives', `${job}.json`)
  const other = await world.run(['dead', 'redrive', '--resume', String(job), '-u', 'file:./other'])
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('is one of file:')])
  const kept = readFileSync(path, 'utf8')
  writeFileSync(path, kept.slice(0, 20))
  const torn = await world.run(['dead', 'jobs', String(job)])
  expect([torn.code, torn.stderr]).toEqual([3, expect.stringContaining('it is no JSON')])
  const list = await world.run(['dead', 'jobs'])
  expect([list.code, list.stderr]).toEqual([0, expect.stringContaining('it is no JSON')])
})
