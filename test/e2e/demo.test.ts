import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { connect } from '../../src/connect.ts'
import { type DemoProcess, demoFolder, processesIn, startDemo } from './demoProcess.ts'

let folder = { dir: '', remove: () => {} }
let runs: DemoProcess[] = []
beforeEach(() => {
  folder = demoFolder()
  runs = []
})
afterEach(async () => {
  for (const run of runs) {
    if (run.child.exitCode === null && run.child.signalCode === null) run.child.kill('SIGKILL')
    await run.ended
  }
  if (isLinux) await vi.waitFor(() => expect(processesIn(folder.dir)).toEqual([]), patience)
  folder.remove()
})

const isLinux = process.platform === 'linux'
/** Others may be using the machine: nothing here is a statement about speed. */
const patience = { timeout: 30_000, interval: 100 }
const testMsMax = 180_000

function start(words: readonly string[], options: Parameters<typeof startDemo>[2] = {}) {
  const run = startDemo(folder.dir, words, options)
  runs.push(run)
  return run
}

interface Result {
  [name: string]: unknown
  games: number
  redelivered: number
  workers: { worker: string; written: number; delivered: number; acked: number; state: string }[]
}

const total = (workers: Result['workers'], what: 'written' | 'delivered' | 'acked') =>
  workers.reduce((sum, worker) => sum + worker[what], 0)

test(
  'KEPT: exit 0, one JSON object, numbers that add up; then with a defect BROKEN and exit 8',
  async () => {
    const good = start(['--json', '--play', '6s'])
    expect(await good.ended).toBe(0)
    const lines = good.stdout.split('\n')
    expect(lines).toHaveLength(2)
    const result = JSON.parse(lines[0] ?? '') as Result
    expect(result).toMatchObject({
      ...{ v: 1, type: 'demo.result', verdict: 'kept', games: 50, acked: 50, files: 100, seed: 7 },
      ...{ lost: 0, duplicated: 0, dir: '.narrowcast/demo/data', skipped: 1 },
      rows: { GAME_META: 120, GAME_PODIUM: 120 },
    })
    expect(result.redelivered).toBeGreaterThanOrEqual(2)
    expect(total(result.workers, 'written')).toBe(50)
    expect(total(result.workers, 'acked')).toBe(50)
    expect(total(result.workers, 'delivered')).toBe(50 + result.redelivered)
    expect(result.workers.map(({ worker, state }) => `${worker} ${state}`)).toEqual([
      'w1 finished',
      'w2 finished',
      'w3 killed',
      'w4 finished',
    ])
    const told = good.stderr.split('\n').filter((line) => !/^\d+:\d\d games/.test(line))
    expect(told.map((line) => line.replace(/=\d+/g, '=N').replace(/^\d+:\d\d/, 'T'))).toEqual([
      expect.stringMatching(
        /^narrowcast \S+ demo seed 7 players 10 workers 4 store file:\.\/\.narrowcast\/demo\/store$/,
      ),
      'T started w1=N w2=N w3=N w4=N',
      'T killed w3=N holding 2',
      'T redelivered 2 skipped 1',
      'T done games 50',
      '',
    ])
    expect(readdirSync(join(folder.dir, '.narrowcast/demo/data/GAME_META'))).toHaveLength(50)

    const env = { NARROWCAST_DEMO_BUG: 'ack-before-write' }
    const broken = start(['--play', '4s', '--seed', '11'], { env })
    expect(await broken.ended).toBe(8)
    expect(broken.stdout).toMatch(
      /^BROKEN lost [1-9]\d* duplicated 0 redelivered \d+ files \.narrowcast\/demo-2\/data\n/,
    )
    expect(broken.stdout).toMatch(/\nwhy g-\d{3} was acked but is in no file\n/)
    expect(broken.stdout).toMatch(/\nid [0-9a-f-]{36}\+[0-9a-f-]{36} g-\d{3}\n/)
    expect(readdirSync(join(folder.dir, '.narrowcast'))).toEqual(['demo', 'demo-2'])
  },
  2 * testMsMax,
)

test(
  'Ctrl-C: children stopped, folder kept, nothing claimed, exit 130',
  async () => {
    const run = start(['--play', '20s'])
    await run.says(' killed w3=')
    if (isLinux) expect(processesIn(folder.dir).length).toBeGreaterThan(10)
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(130)
    if (isLinux) expect(processesIn(folder.dir)).toEqual([])
    const [, games, acked, leased] =
      /stopped after \d+ s: (\d+) games, (\d+) acked, (\d+) leased; nothing verified\n$/.exec(
        run.stderr,
      ) ?? []
    expect(Number(acked) + Number(leased)).toBeLessThanOrEqual(Number(games))
    expect(Number(games)).toBeGreaterThan(0)
    expect(run.stdout).toBe('')
    expect(existsSync(join(folder.dir, '.narrowcast/demo/data'))).toBe(true)
  },
  testMsMax,
)

test.runIf(isLinux)(
  'killed itself, the demo leaves no process behind',
  async () => {
    const run = start(['--play', '20s'])
    await run.says(' started w1=')
    run.child.kill('SIGKILL')
    expect(await run.ended).toBe('SIGKILL')
    await vi.waitFor(() => expect(processesIn(folder.dir)).toEqual([]), patience)
  },
  testMsMax,
)

test.runIf(isLinux)(
  'on a terminal: a region that is gone at the end, a table, a verdict, a cursor',
  async () => {
    const run = start(['--play', '4s', '--seed', '3', '--dir', 'my run'], { terminal: true })
    expect(await run.ended).toBe(0)
    const raw = run.stdout
    expect(raw.lastIndexOf('\x1b[?25h')).toBeGreaterThan(raw.lastIndexOf('\x1b[?25l'))
    const text = stripVTControlCharacters(raw).replaceAll('\r', '')
    expect(text).toMatch(/players .* lobby .* w1 .* written/)
    const end = text.slice(text.lastIndexOf(' WORKER'))
    const rows = [...end.matchAll(/^ (w\d|total) +(?:\d+ +)?(\d+) +(\d+) +(\d+) +[\d-]/gm)]
    const columns = [2, 3, 4].map((at) => rows.map((row) => Number(row[at])))
    for (const column of columns) {
      const sum = column.slice(0, 4).reduce((all, one) => all + one, 0)
      expect(sum).toBe(column[4])
    }
    expect(columns[0]?.[4]).toBe(50)
    expect(end).toMatch(/KEPT +✓ lost +0 +50 games played, 50 different games in the files\n/)
    expect(end).toContain('120 of 120 podium rows, no game written twice\n')
    expect(end).toContain(' Files    my run/data/   GAME_META 120 rows, GAME_PODIUM 120 rows\n')
    expect(end).toContain(`publish hello '{"n":1}'`)
    for (const line of end.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  },
  testMsMax,
)

test(
  'a store that it may not use is refused before anything starts',
  async () => {
    const memory = start(['-u', 'memory:'])
    expect(await memory.ended).toBe(6)
    expect(memory.stderr).toContain('cannot be reached by worker processes')

    const url = `file:${encodeURI(join(folder.dir, 'used'))}`
    await using bus = await connect(url)
    await bus.queue('lib.server.lobby').publish({ somebody: 'else' })
    const used = start(['-u', url])
    expect(await used.ended).toBe(2)
    expect(used.stderr).toContain('lib.server.lobby holds messages of somebody else')
  },
  testMsMax,
)
