import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../src/cli/output/displayWidth.ts'
import { cliWorld } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const canary = 'c4n4ry-p4ssw0rd'

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
    [['channels', 'ls', '-u', 'redis://localhost'], 2, 'no driver for the scheme redis:'],
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

describe('looks', () => {
  it('a pipe gets no colour, unless it is forced', async () => {
    using world = cliWorld()
    const esc = '\u001b['
    expect((await world.run(['help', 'publish'])).stdout).not.toContain(esc)
    const forced = await world.run(['help', 'publish'], { env: { FORCE_COLOR: '1' } })
    expect(forced.stdout).toContain(esc)
    expect(forced.stderr).toBe('')
    const both = await world.run(['help', 'publish'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
    expect([both.stdout.includes(esc), both.stderr]).toEqual([false, ''])
    const flag = await world.run(['help', 'publish', '--no-color'], { env: { FORCE_COLOR: '1' } })
    expect(flag.stdout).not.toContain(esc)
    const error = await world.run(['help', 'nosuch'], { env: { FORCE_COLOR: '1' } })
    expect(error.stderr).toContain(`${esc}31merror:`)
  })

  it('draws in ASCII when asked', async () => {
    using world = cliWorld()
    const { stdout } = await world.run(['config', 'check', '--ascii'])
    expect(stdout).toMatch(/^ok no project file/)
  })

  it('prints the same rows in every format', async () => {
    using world = cliWorld()
    await world.run(['publish', 'a,b'.replace(',', '.'), '1'])
    const of = async (format: string) => (await world.run(['channels', 'ls', '-o', format])).stdout
    expect(await of('csv')).toMatch(/^channel,pattern,waiting,.*\na\.b,queue,1,/)
    expect(await of('md')).toMatch(/^\| channel \| pattern \|.*\n\| --- \|.*\n\| a\.b \| queue \|/)
    expect(JSON.parse(await of('ndjson'))).toMatchObject({
      v: 1,
      type: 'channels.ls',
      channel: 'a.b',
    })
    expect(await of('none')).toBe('')
    expect(await of('wide')).toMatch(/^CHANNEL +PATTERN/)
  })

  it('contracts are told whole at 40 columns, and cut nowhere', async () => {
    using world = cliWorld()
    const words = async (width: string) => {
      const { stdout } = await world.run(['contract', 'file', '--width', width])
      expect(stdout).not.toContain('…')
      return stdout.replaceAll(/QUEUE|STREAM|FILE|\s+/g, '')
    }
    expect(await words('40')).toBe(await words('300'))
  })

  it('a wrong width is refused, for help too', async () => {
    using world = cliWorld()
    for (const args of [['--help'], ['channels', 'ls', '-h'], ['config', 'show']]) {
      const { code, stderr } = await world.run([...args, '--width', 'wide'])
      expect([code, stderr]).toEqual([2, expect.stringContaining('--width: expected')])
    }
  })

  it('fits widths of 40 to 200', async () => {
    using world = cliWorld()
    const channel = 'a.channel.with.a.rather.long.name'
    await world.run(['publish', channel, '{"text":"日本語 and a long preview of data"}'])
    for (const width of [40, 80, 200]) {
      for (const args of [
        ['channels', 'ls'],
        ['messages', 'ls', channel],
        ['contract'],
        ['help', 'errors'],
        ['--help'],
        ['help', 'publish'],
        ['channels'],
        ['config', 'show', '--origin'],
        ['doctor'],
        ['stats', '--over', '1ms'],
      ]) {
        const { stdout, stderr } = await world.run([...args, '--width', String(width)])
        const isHelp = args.length === 1 && args[0] === 'channels'
        for (const line of (isHelp ? stderr : stdout).split('\n')) {
          if (/^ +'[^']*'( \\)?$/.test(line)) continue // a quoted word of an example stays whole
          expect(displayWidth(line), line).toBeLessThanOrEqual(width)
        }
      }
    }
  })
})

describe('secrets', () => {
  it('appear nowhere', async () => {
    using world = cliWorld()
    const url = `file://user:${canary}@host/x`
    for (const [args, env] of [
      [['channels', 'ls', '-u', url, '-v'], {}],
      [['channels', 'ls', '-u', `redis://me:${canary}@localhost`, '--json', '-v'], {}],
      [['config', 'show', '--origin'], { NARROWCAST_URL: `amqp://me:${canary}@localhost/v` }],
      [['doctor', `kafka://me:${canary}@b1:9092`], {}],
      [['publish', 'x', '1', '-u', `nats://me:${canary}@localhost`], {}],
    ] as const) {
      const { stdout, stderr } = await world.run(args, { env })
      expect(stdout + stderr, args.join(' ')).not.toContain(canary)
    }
  })
})

describe('configuration', () => {
  it('goes flag, variable, project file, default, and says which', async () => {
    using world = cliWorld()
    const urlOf = async (args: readonly string[], env: Record<string, string> = {}) => {
      const { stdout } = await world.run(['config', 'show', '--json', ...args], { env })
      const { items } = JSON.parse(stdout) as {
        items: { name: string; value: string; origin: string }[]
      }
      const found = items.find(({ name }) => name === 'url')
      return [found?.value, found?.origin]
    }
    expect(await urlOf([])).toEqual(['file:./.narrowcast/store', 'default'])
    const file = join(world.folder, 'narrowcast.config.mts')
    writeFileSync(
      file,
      `export default { url: '\${MY_URL:-file:./from-file}', channels: { events: { pattern: 'stream', attempts: 2 } } }\n`,
    )
    expect(await urlOf([])).toEqual(['file:./from-file', file])
    expect(await urlOf([], { MY_URL: 'file:./mine' })).toEqual(['file:./mine', file])
    expect(await urlOf([], { NARROWCAST_URL: 'file:./env' })).toEqual([
      'file:./env',
      'NARROWCAST_URL',
    ])
    expect(await urlOf(['-u', 'file:./flag'], { NARROWCAST_URL: 'file:./env' })).toEqual([
      'file:./flag',
      '--url',
    ])
    expect(await urlOf(['--config', 'none'])).toEqual(['file:./.narrowcast/store', 'default'])
    writeFileSync(join(world.folder, 'url.txt'), 'file:./secret\n')
    expect(await urlOf(['--url-file', 'url.txt'])).toEqual(['file:./secret', '--url-file'])
    writeFileSync(join(world.folder, '.env'), 'NARROWCAST_URL=file:./dotenv\n')
    expect(await urlOf([])).toEqual(['file:./from-file', file])
    expect(await urlOf(['--env-file', '.env'])).toEqual(['file:./dotenv', 'NARROWCAST_URL'])
    expect((await world.run(['publish', 'events', '1'])).code).toBe(0)
    expect(await world.json('channels', 'ls')).toMatchObject({
      items: [{ channel: 'events', pattern: 'stream' }],
    })
  })

  it('an env file that is not there is a wrong flag', async () => {
    using world = cliWorld()
    // Node looks for the file by itself, unless it is told that these words are not its own.
    const run = spawnSync(process.execPath, ['--', main, 'config', 'show', '--env-file', 'nope'], {
      cwd: world.folder,
      encoding: 'utf8',
    })
    expect([run.status, run.stderr]).toEqual([
      2,
      expect.stringMatching(
        /^error: --env-file: cannot read .*\/nope: there is no such file\n {2}/,
      ),
    ])
    writeFileSync(
      join(world.folder, '.env'),
      'NARROWCAST_URL=file:./dotenv\nNARROWCAST_OUTPUT=json',
    )
    const env = { NARROWCAST_URL: 'file:./set' }
    const { stdout } = await world.run(['config', 'show', '--env-file', '.env'], { env })
    expect(stdout).toContain('"file:./set"')
  })

  it('names what is wrong with the project file, and help works nevertheless', async () => {
    using world = cliWorld()
    writeFileSync(join(world.folder, 'narrowcast.config.json'), '{"chanels":{}}')
    const { code, stderr } = await world.run(['config', 'check'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('chanels')])
    expect((await world.run(['help', 'errors'])).code).toBe(0)
    expect((await world.run(['contract'])).code).toBe(0)
    const doctor = await world.run(['doctor', '--json'])
    expect(doctor.code).toBe(2)
    expect(JSON.parse(doctor.stdout)).toMatchObject({ type: 'doctor', exit: 2 })
  })

  it('doctor finds nothing wrong with a good place, and makes nothing', async () => {
    using world = cliWorld()
    mkdirSync(join(world.folder, '.git'))
    const { code, stdout } = await world.run(['doctor'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('no store yet')])
    const other = await world.run(['doctor', 'file:./other%20place'])
    expect(other.stdout).toContain('writable: ./other place')
    expect(other.stdout).toMatch(/free on the disk of \.\/other place/)
  })
})

describe('completion', () => {
  it('has a script per shell, and candidates from the tree and the backend', async () => {
    using world = cliWorld()
    for (const shell of ['bash', 'zsh', 'fish', 'pwsh']) {
      expect((await world.run(['completion', shell])).stdout).toContain('__complete')
    }
    expect((await world.run(['completion', 'tcsh'])).code).toBe(2)
    const complete = async (...words: string[]) => {
      const { code, stdout, stderr } = await world.run(['__complete', '--', ...words])
      expect([code, stderr]).toEqual([0, ''])
      return stdout.split('\n').slice(0, -1)
    }
    expect(await complete('pu')).toEqual(['publish'])
    expect(await complete('dead', 're')).toEqual(['redrive'])
    expect(await complete('tail', 'x', '--fo')).toEqual(['--follow'])
    expect(await complete('channels', 'ls', '--sort', 'o')).toEqual(['oldest'])
    expect(await complete('tail', '')).toEqual([])
    expect(await complete('tail', '-u', 'redis://nowhere', '')).toEqual([])
    await world.run(['publish', 'hello', '1'])
    expect(await complete('tail', 'h')).toEqual(['hello'])
  })
})
