import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'
import { problemsOf } from './cliSchema.ts'

const few = ['--messages', '40', '--workers', '2']

it('a suite has a verdict for each cell, or says why there is none', async () => {
  using world = cliWorld()
  const words = ['lab', 'suite', '--on', 'memory', '--quick', ...few]
  const { code, stdout, stderr } = await world.run([...words, '--json'])
  expect([code, stderr]).toEqual([0, expect.stringContaining('1 of 4: calm on memory')])
  const suite = JSON.parse(stdout)
  expect(problemsOf(suite)).toEqual([])
  const notRun = { status: 'NOT RUN', reason: expect.stringMatching(/^its actors live inside/) }
  expect(suite.rows).toMatchObject([
    { scenario: 'calm', cells: [{ status: 'KEPT' }] },
    { scenario: 'worker-kill', cells: [notRun] },
    { scenario: 'all-dead-revive', cells: [notRun] },
    { scenario: 'poison', cells: [notRun] },
  ])
  const report = join(world.folder, '.narrowcast/lab', suite.runs[0], 'report.json')
  expect(JSON.parse(readFileSync(report, 'utf8')).verdict.status).toBe('KEPT')
}, 90_000)

it('where all has to be run, what cannot be is told by the exit code; the page says how', async () => {
  using world = cliWorld()
  const words = ['lab', 'suite', '--on', 'memory', '--quick', '--strict', ...few, '-o', 'md']
  const { code, stdout } = await world.run(words)
  expect([code, stdout]).toEqual([9, expect.stringMatching(/^# Promised against measured\n/)])
  expect(stdout).toContain('narrowcast lab suite --on memory --messages 40 --workers 2 --quick\n')
  expect(stdout).toMatch(/\| worker-kill \| NOT RUN \|/)
}, 90_000)

it('a comparison takes its turns, and says what each costs', async () => {
  using world = cliWorld()
  const words = ['lab', 'compare', 'calm', '--on', 'memory,file', '--repeats', '2', ...few]
  const { code, stdout, stderr } = await world.run(words)
  expect(code).toBe(0)
  expect(stderr.match(/of 4: calm on \w+/g)).toEqual(
    ['memory', 'file', 'file', 'memory'].map((name) => `of 4: calm on ${name}`),
  )
  expect(stdout).toMatch(/2 runs each, interleaved, seed 7/)
  expect(stdout).toMatch(/calm +KEPT {2}0\/0/)
}, 120_000)

it('beside its raw client a backend is compared with that, which is judged by nothing', async () => {
  using world = cliWorld()
  const words = ['lab', 'compare', 'calm', '--on', 'file', '--twin', '--repeats', '1', ...few]
  const { code, stdout, stderr } = await world.run([...words, '--json'])
  expect(code).toBe(0)
  expect(stderr).toMatch(/2 of 2: calm on file, raw client\n *not judged\n/)
  const compared = JSON.parse(stdout)
  expect(problemsOf(compared)).toEqual([])
  const nothing = { min: 0, median: 0, max: 0 }
  const ratio = { pairs: 1, finding: 'no difference shown' }
  expect(compared.twins).toMatchObject([
    { subject: 'file', runs: 1, lost: nothing, repeated: nothing, perSecondRatio: ratio },
  ])
  expect(readdirSync(join(world.folder, '.narrowcast/lab'))).toEqual(compared.runs)
}, 90_000)

it('Ctrl-C ends the run that goes on, and makes no other', async () => {
  using world = cliWorld()
  const running = world.start(['lab', 'suite', '--on', 'memory', '--json', '--no-live'])
  await running.shows('1 of ')
  await expect
    .poll(() => world.run(['lab', 'ls', '--runs']).then((ran) => ran.stdout), { timeout: 30_000 })
    .toContain('unfinished')
  running.child.kill('SIGINT')
  const { code, stdout, stderr } = await running.ended
  expect(code).toBe(130)
  expect(JSON.parse(stdout).rows).toHaveLength(1)
  expect(stderr).not.toContain('2 of ')
}, 90_000)

it('a suite takes every pattern of a backend, unless one is named', async () => {
  using world = cliWorld()
  const countOf = async (...words: string[]) => {
    const { code, stderr } = await world.run(['lab', 'suite', '-n', ...words])
    expect(code).toBe(0)
    return Number(/would make (\d+) runs/.exec(stderr)?.[1])
  }
  const one = await countOf('--on', 'file:queue')
  expect(await countOf('--on', 'file')).toBe(4 * one)
  expect(await countOf('--on', 'file', '--pattern', 'queue')).toBe(one)
  expect(await countOf('--on', 'redis')).toBe(5 * one)
  expect(await countOf('--on', 'file:stream,redis-stream', '--on', 'redis://a,b')).toBe(4 * one)
  expect(await countOf('--on', 'file,redis', '--quick')).toBe(16)
})

it.for([
  [['suite'], 2, 'on which backend?'],
  [['suite', '--on', 'fiel'], 2, 'Did you mean file?'],
  [['compare', 'calmer', '--on', 'file'], 2, 'Did you mean calm?'],
  [['compare', 'calm', '--on', 'file,redis-list:stream'], 6, 'redis-list has no stream'],
  [['compare', 'calm', '--on', 'file', '--repeats', '0'], 2, '--repeats'],
  [['compare', 'calm', 'worker-kill', '--on', 'file', '--twin'], 6, 'worker-kill has no twin'],
  [['compare', 'calm', '--on', 'file,memory', '--twin'], 6, 'memory queue has no twin'],
  [['suite', '--on', 'file:./x', '--read-only'], 5, 'changes are off'],
] as const)('lab %j exits %i', async ([words, exit, text]) => {
  using world = cliWorld()
  const { code, stdout, stderr } = await world.run(['lab', ...words])
  expect([code, stdout, stderr]).toEqual([exit, '', expect.stringContaining(text)])
})
