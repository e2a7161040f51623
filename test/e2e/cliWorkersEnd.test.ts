import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { cliWorld, ndjson, type Ran, type Running, type World } from './cliRun.ts'

async function crew(world: World, ...words: string[]): Promise<Running> {
  const running = world.start(['work', 'jobs', '--json', ...words])
  await running.shows('work.output')
  return running
}

const objects = ({ stdout }: Ran) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** The whole id of a worker, when it has told of itself. */
async function idOf(world: World, name: string): Promise<string> {
  const { items } = await world.json('workers', 'ls')
  const found = (items as { worker: string }[]).find(({ worker }) => worker.startsWith(`${name}-`))
  return (found as { worker: string }).worker
}

it('ends one worker after the other in order: nothing is lost, charged, or started anew', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(1_000) })
  const exec = 'echo begun; sleep 0.3'
  const words = ['--workers', '2', '--concurrency', '3', '--control', '--exec', exec]
  const running = await crew(world, ...words)
  const first = await idOf(world, 'w1')
  expect(await world.json('workers', 'drain', first, '--yes')).toMatchObject({
    ...{ type: 'workers.drain', worker: first, channels: ['jobs'] },
  })
  await running.shows('w1 pid')
  const stopped = await world.json('workers', 'stop', 'w2', '--yes')
  expect(stopped).toMatchObject({ type: 'workers.stop', channels: ['jobs'] })
  const ran = await running.ended
  expect(ran.code).toBe(0)
  const all = objects(ran)
  const of = (type: string) => all.filter((one) => one.type === type).map(({ worker }) => worker)
  expect([of('work.started').sort(), of('work.ended')]).toEqual([
    ['w1', 'w2'],
    ['w1', 'w2'],
  ])
  const summary = all.at(-1) as Record<string, number>
  expect(summary).toMatchObject({ type: 'work.summary', died: 0, killed: 0, retried: 0, dead: 0 })
  const { waiting, in_flight, scheduled } = await world.json('channels', 'show', 'jobs')
  expect([in_flight, scheduled]).toEqual([0, 0])
  expect((summary.acked as number) + (waiting as number)).toBe(1_000)
  expect(summary.given_back).toBeGreaterThan(0)
  const { items } = await world.json('messages', 'ls', 'jobs', '--limit', '1000')
  const charged = (items as { failures: number }[]).filter(({ failures }) => failures > 0)
  expect([(items as unknown[]).length > 0, charged]).toEqual([true, []])
})

it('refuses without control, without consent, and where the name is none or several', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(1_000) })
  const running = await crew(world, '--workers', '2', '--exec', 'echo begun; sleep 0.2')
  for (const [exit, words, text] of [
    [6, ['w1', '--yes'], 'was started without control'],
    [6, ['w1', '--yes'], '--control'],
    [2, ['w', '--yes'], 'begins 2 workers'],
    [4, ['nobody', '--yes'], 'no worker nobody was heard'],
  ] as const) {
    const ran = await world.run(['workers', 'drain', ...words, '--for', '3s'])
    expect([ran.code, ran.stdout]).toEqual([exit, ''])
    expect(ran.stderr).toContain(text)
  }
  running.child.kill('SIGINT')
  expect((await running.ended).code).toBe(130)
  const obeying = await crew(world, '--control', '--exec', 'echo begun; sleep 0.2')
  const asked = await world.run(['workers', 'stop', 'w1', '--for', '3s'])
  expect([asked.code, asked.stderr]).toEqual([5, expect.stringContaining('--yes')])
  const dry = await world.run(['workers', 'stop', 'w1', '--for', '3s', '--dry-run'])
  expect([dry.code, dry.stderr]).toEqual([0, expect.stringContaining('nothing changed')])
  expect(obeying.child.exitCode).toBe(null)
  obeying.child.kill('SIGINT')
  await obeying.ended
})

it('says that a worker is still there when the time to wait is over', async () => {
  using world = cliWorld()
  await world.run(['publish', 'jobs', '1'])
  const running = await crew(
    world,
    '--control',
    '--exec',
    'echo begun; until [ -e go ]; do sleep 0.1; done',
  )
  const id = await idOf(world, 'w1')
  const ran = await world.run(['workers', 'drain', id, '--yes', '--timeout', '3s'])
  expect([ran.code, ran.stdout]).toEqual([7, ''])
  expect(ran.stderr).toContain('it is still there, with 1 message in hand')
  writeFileSync(join(world.folder, 'go'), '')
  const ended = await running.ended
  expect(ended.code).toBe(0)
  expect(objects(ended).at(-1)).toMatchObject({ acked: 1, given_back: 0 })
})
