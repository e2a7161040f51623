import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const canary = 'c4n4ry-p4ssw0rd'

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

  it('breaks no path where the window is too narrow, and counts one channel as one', async () => {
    using world = cliWorld()
    const file = join(world.folder, 'narrowcast.config.json')
    writeFileSync(file, '{"channels":{"events":{"attempts":2}}}')
    const shown = await world.run(['config', 'show', '--origin', '--width', '40'])
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain(` ${file}\n`)
    expect(shown.stdout).toMatch(/^url\n {2}file:\.\/\.narrowcast\/store\n {2}from default$/m)
    const wide = await world.run(['config', 'show', '--origin', '--width', '400'])
    expect(wide.stdout).toMatch(/^SETTING +VALUE +FROM\nurl +file:\S+ +default$/m)
    expect((await world.run(['config', 'check'])).stdout).toContain(`${file}: 1 channel,`)
    await world.run(['publish', 'events', '1'])
    expect((await world.run(['doctor'])).stdout).toContain(', 1 channel, answers in')
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
    // Names of a backend come fast or not at all.
    await expect.poll(() => complete('tail', 'h'), { timeout: 30_000 }).toEqual(['hello'])
  })
})
