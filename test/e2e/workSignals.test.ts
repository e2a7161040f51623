import { spawn, spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson, plainEnv, type World } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')

/** Every process that lives, with its parent. */
function processes(): { pid: number; parent: number }[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
  return stdout.split('\n').flatMap((line) => {
    const [pid = '', parent = '', state = 'Z'] = line.trim().split(/\s+/)
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent) }]
  })
}

function descendants(of: number): number[] {
  const all = processes()
  const below = (one: number): number[] =>
    all.filter(({ parent }) => parent === one).flatMap(({ pid }) => [pid, ...below(pid)])
  return below(of)
}

/** A command at the head of its own group, as a shell starts it: Ctrl-C reaches all of it. */
function inForeground(world: World, args: readonly string[]) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: world.folder,
    env: plainEnv(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)))
  return {
    pid: child.pid as number,
    ended,
    get text() {
      return stdout + stderr
    },
    interrupt() {
      if (child.exitCode === null) process.kill(-(child.pid as number), 'SIGINT')
    },
  }
}

const commands = [
  ['work', ['jobs', '--workers', '2', '--exec', 'echo begun; sleep 60'], 'begun'],
  ['ingest', ['jobs', '--workers', '2'], 'started w2'],
  ['sim', ['run', '--turn', '1s', '--games', '50'], 'sim run'],
  ['demo', [], 'w4='],
] as const

describe.skipIf(process.platform === 'win32')('Ctrl-C in a terminal', () => {
  it.for(commands)('ends %s at once when pressed twice', async ([command, args, sign]) => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(20) })
    const run = inForeground(world, [command, ...args])
    await expect.poll(() => run.text, { timeout: 30_000 }).toContain(sign)
    await expect.poll(() => descendants(run.pid).length, { timeout: 30_000 }).toBeGreaterThan(0)
    const below = descendants(run.pid)
    // Two signals that come together are one: pressed until it has ended.
    const pressing = setInterval(run.interrupt, 50)
    const code = await run.ended.finally(() => clearInterval(pressing))
    expect(code).toBe(130)
    if (command === 'work') expect(run.text).not.toContain('done in')
    expect(run.text).not.toMatch(/ died |trouble|Error|\n {4}at /)
    const left = () => processes().filter(({ pid }) => below.includes(pid))
    await expect.poll(left, { timeout: 20_000 }).toEqual([])
  })

  it.for([
    ['work', ['jobs', '--workers', '2', '--exec', 'echo begun; sleep 2'], 'begun', '^C draining'],
    ['ingest', ['jobs', '--workers', '2'], 'started w2', 'in all'],
    ['sim', ['run', '--turn', '1s', '--games', '50'], 'sim run', 'records acked'],
    ['demo', [], 'w4=', 'nothing verified'],
  ] as const)('lets %s end in order when pressed once', async ([command, args, sign, last]) => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(20) })
    const run = inForeground(world, [command, ...args])
    await expect.poll(() => run.text, { timeout: 30_000 }).toContain(sign)
    const below = descendants(run.pid)
    run.interrupt()
    expect(await run.ended).toBe(130)
    expect(run.text).toContain(last)
    expect(run.text).not.toMatch(/ died |trouble|Error|\n {4}at /)
    expect(run.text.endsWith('\n')).toBe(true)
    const left = () => processes().filter(({ pid }) => below.includes(pid))
    await expect.poll(left, { timeout: 20_000 }).toEqual([])
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({ in_flight: 0, dead: 0 })
  })
})
