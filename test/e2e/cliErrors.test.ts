import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')

describe('exit codes', () => {
  it.for([
    [['--help'], 0, ''],
    [['--version'], 0, ''],
    [[], 0, ''],
    [['channels'], 2, 'narrowcast channels COMMAND'],
    [['pubish', 'x', '1'], 2, "error: unknown command 'pubish'\n  Did you mean publish?\n"],
    [['publish', 'x', 'not json'], 2, 'A text needs quotes of its own'],
    [['publish', 'x'], 2, 'publish needs DATA'],
    [['publish', 'bad name', '1'], 2, 'channel name "bad name" has a character'],
    [['publish', 'x', '1', '-H', 'nope'], 2, 'expected name=value'],
    [['publish', 'x', '1', '--delay', '5'], 2, '--delay: "5" is not a number with a unit'],
    [['tail', 'x', '--where', 'dta.n == 1'], 2, 'Did you mean data?'],
    [['stats', '--timeout', 'soon'], 2, '--timeout: "soon"'],
    [['channels', 'ls', '--limit', '0'], 2, '--limit: expected a whole number of at least 1'],
    [['channels', 'ls', '-o', 'xml'], 2, "argument 'xml' is invalid"],
    [['channels', 'ls', '-u', 'file:./x?snc=full'], 2, 'did you mean sync'],
    [['channels', 'ls', '-u', 'nowhere'], 2, 'has no scheme'],
    [['channels', 'ls', '-u', 'mqtt://localhost'], 2, 'no driver for the scheme mqtt:'],
    [['channels', 'ls', '-u', 'redis://localhost:1'], 3, 'Nothing listens on port 1 of localhost'],
    [['channels', 'ls', '--config', 'nowhere.mts'], 4, 'no such file'],
    [['channels', 'ls'], 4, 'there is no store at file:./.narrowcast/store'],
    [['tail', 'x'], 4, 'there is no store'],
    [['help', 'nosuch'], 4, 'there is no command or error code'],
    [['config', 'path'], 4, 'there is no project file'],
    [['publish', 'x', '1', '--read-only'], 5, 'changes are off'],
    [['publish', 'x', '1', '-u', 'memory:'], 6, 'memory: lives and ends with one process'],
    [['contract', 'memory', '--require', 'survives=power-loss'], 6, 'it survives nothing'],
  ] as const)('%j exits %i', async ([args, exit, text]) => {
    using world = cliWorld()
    const { code, stdout, stderr } = await world.run(args)
    expect([code, stderr]).toEqual([exit, expect.stringContaining(text)])
    if (exit !== 0) expect(stdout).toBe('')
    if (exit !== 0 && stderr.startsWith('error')) {
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(4)
    }
  })

  it('4: a folder without a store in it, and none is made', async () => {
    using world = cliWorld()
    mkdirSync(join(world.folder, 'empty'))
    for (const more of [[], ['--read-only']]) {
      const { code, stderr } = await world.run(['channels', 'ls', '-u', 'file:./empty', ...more])
      expect([code, stderr]).toEqual([4, expect.stringContaining('there is no store at')])
    }
    expect(readdirSync(join(world.folder, 'empty'))).toEqual([])
  })

  it('2: a wrong name is refused before anything is said to be made', async () => {
    using world = cliWorld()
    const { code, stderr } = await world.run(['publish', 'bad name!', '1'])
    expect([code, stderr]).toEqual([2, expect.not.stringContaining('is new')])
  })

  it('3: a file where the folder should be', async () => {
    using world = cliWorld()
    writeFileSync(join(world.folder, 'taken'), 'x')
    const { code, stderr } = await world.run(['publish', 'x', '1', '-u', 'file:./taken'])
    expect([code, stderr]).toEqual([3, expect.stringContaining('error: ')])
  })

  it('4: an unknown channel, with a suggestion, and nothing is made', async () => {
    using world = cliWorld()
    await world.run(['publish', 'lib.server.lobby', '1'])
    for (const args of [
      ['tail', 'lib.server.loby'],
      ['channels', 'show', 'lib.server.loby'],
      ['dead', 'ls', 'lib.server.loby'],
      ['messages', 'ls', 'lib.server.loby'],
    ]) {
      const { code, stderr } = await world.run(args)
      expect([code, stderr]).toEqual([4, expect.stringContaining('Did you mean lib.server.lobby?')])
    }
    expect((await world.json('channels', 'ls')).items).toHaveLength(1)
  })

  it('2: a channel of another pattern', async () => {
    using world = cliWorld()
    await world.run(['publish', 'hello', '1'])
    const { code, stderr } = await world.run(['tail', 'hello', '--pattern', 'stream'])
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('is a queue, --pattern says stream'),
    ])
    expect((await world.run(['publish', 'hello', '1', '--pattern', 'stream'])).code).toBe(2)
    expect((await world.run(['groups', 'ls', 'hello'])).code).toBe(6)
  })
})

describe.skipIf(!existsSync('/dev/full'))('a stdout without room (needs /dev/full)', () => {
  it.for([
    [['help'], false],
    [['publish', 'q', '1'], true],
    [['channels', 'ls', '--json'], false],
  ] as const)('%j says so, and what was done stands', async ([args, isStored]) => {
    using world = cliWorld()
    await world.run(['publish', 'q', '0'])
    const full = openSync('/dev/full', 'w')
    const run = spawnSync(process.execPath, [main, ...args], {
      cwd: world.folder,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(full)
    expect([run.status, run.stderr]).toEqual([1, expect.stringContaining('no space left')])
    expect(run.stderr).toContain(
      args.length === 3 && args[2] === '--json' ? '"DISK_FULL"' : 'stays changed',
    )
    expect(await world.json('channels', 'show', 'q')).toMatchObject({ waiting: isStored ? 2 : 1 })
  })
})

describe('questions', () => {
  it('are not asked without a terminal, and a dry run changes nothing', async () => {
    using world = cliWorld()
    await world.run(['publish', 'hello', '--ndjson'], { input: '1\n2\n' })
    await world.run(['work', 'hello', '--exec', 'grep -q 2 || exit 65', '--until', 'end'])
    await world.run(['publish', 'hello', '3'])
    const before = await world.json('channels', 'show', 'hello')
    for (const [args, flag] of [
      [['dead', 'redrive', 'hello', '--all'], '--yes'],
      [['dead', 'purge', 'hello'], '--confirm hello'],
      [['channels', 'rm', 'hello'], '--confirm hello'],
      [['channels', 'purge', 'hello'], '--confirm hello'],
      [['messages', 'rm', 'hello', 'x'], '--confirm hello'],
    ] as const) {
      const { code, stdout, stderr } = await world.run(args, { input: 'y\nhello\n' })
      expect([code, stdout, stderr]).toEqual([5, '', expect.stringContaining(flag)])
      const look = await world.run([...args, '--dry-run'])
      const nothing = expect.stringContaining('nothing changed (dry run)')
      expect([look.code, look.stderr]).toEqual([0, nothing])
    }
    const after = await world.json('channels', 'show', 'hello')
    expect({ ...after, oldest_ms: 0 }).toEqual({ ...before, oldest_ms: 0 })
  })
})
