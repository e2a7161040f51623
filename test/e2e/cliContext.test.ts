import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, script, type World } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const canary = 'c4n4ry-p4ssw0rd'
const fileOf = (world: World, name: string) =>
  join(world.folder, `.config/narrowcast/contexts/${name}.json`)

async function done(world: World, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.run(words)
  expect([words, code, stderr]).toEqual([words, 0, expect.any(String)])
  return stdout
}

async function refused(world: World, ...words: string[]): Promise<[number | null, string]> {
  const { code, stdout, stderr } = await world.run(words)
  expect(stdout).toBe('')
  return [code, stderr]
}

/** As it lies in its file: `context add` takes only what a driver of this version connects to. */
function lay(world: World, name: string, context: Record<string, unknown>): void {
  mkdirSync(dirname(fileOf(world, name)), { recursive: true })
  writeFileSync(fileOf(world, name), JSON.stringify(context), { mode: 0o600 })
}

/** The URL in use, and where it comes from. */
async function settings(world: World, words: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await world.run(['config', 'show', '--json', ...words], { env })
  expect([code, stderr]).toEqual([0, ''])
  const { items } = JSON.parse(stdout) as {
    items: { name: string; value: unknown; origin: string }[]
  }
  return (name: string) => {
    const found = items.find((item) => item.name === name)
    return [found?.value, found?.origin]
  }
}

describe('context', () => {
  it('is a file for this user alone, and one that others may read is refused', async () => {
    using world = cliWorld()
    await done(world, 'context', 'add', 'dev', 'file:./dev', '--environment', 'test')
    expect(statSync(fileOf(world, 'dev')).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(fileOf(world, 'dev'), 'utf8'))).toEqual({
      ...{ url: 'file:./dev', environment: { name: 'test' } },
    })
    expect(await refused(world, 'context', 'add', 'dev', 'file:./other')).toEqual([
      ...[2, expect.stringContaining('--replace')],
    ])
    await done(world, 'context', 'add', 'dev', 'file:./other', '--replace')
    chmodSync(fileOf(world, 'dev'), 0o640)
    for (const words of [
      ['context', 'ls'],
      ['channels', 'ls', '-c', 'dev'],
    ]) {
      expect(await refused(world, ...words)).toEqual([2, expect.stringContaining('chmod 600')])
    }
    await done(world, 'context', 'rm', 'dev', '--yes')
    expect(existsSync(fileOf(world, 'dev'))).toBe(false)
    expect((await refused(world, 'context', 'rm', 'dev'))[0]).toBe(4)
    await done(world, 'context', 'rm', 'dev', '--if-exists')
  })

  it('use chooses one, use - the one before, use none nothing', async () => {
    using world = cliWorld()
    expect((await refused(world, 'context', 'use', '-'))[0]).toBe(4)
    await done(world, 'context', 'add', 'one', 'file:./one')
    await done(world, 'context', 'add', 'two', 'file:./two')
    const used = async () => (await settings(world, []))('context')[0]
    await done(world, 'context', 'use', 'one')
    await done(world, 'context', 'use', 'two')
    expect(await used()).toBe('two')
    await done(world, 'context', 'use', '-')
    expect(await used()).toBe('one')
    await done(world, 'context', 'use', '-')
    expect(await used()).toBe('two')
    expect(await done(world, 'context', 'ls')).toMatch(/two +yes/)
    await done(world, 'context', 'use', 'none')
    expect(await used()).toBe(null)
    await done(world, 'context', 'use', '-')
    await done(world, 'context', 'rm', 'two', '--yes')
    expect(await used()).toBe(null)
    const [code, text] = await refused(world, 'context', 'use', 'on')
    expect([code, text]).toEqual([4, expect.stringContaining('Did you mean one?')])
  })

  it('ranks by what names it: flag, variable, project file, the one in use', async () => {
    using world = cliWorld()
    for (const name of ['flag', 'variable', 'used']) {
      await done(world, 'context', 'add', name, `file:./${name}`)
    }
    const url = async (words: readonly string[], env: Record<string, string> = {}) =>
      (await settings(world, words, env))('url')
    await done(world, 'context', 'use', 'used')
    expect(await url([])).toEqual(['file:./used', 'context used (context use)'])
    const file = join(world.folder, 'narrowcast.config.json')
    writeFileSync(file, '{"url":"file:./project"}')
    expect(await url([])).toEqual(['file:./project', file])
    const env = { NARROWCAST_CONTEXT: 'variable' }
    expect(await url([], env)).toEqual(['file:./variable', 'context variable (NARROWCAST_CONTEXT)'])
    const both = { ...env, NARROWCAST_URL: 'file:./plain' }
    expect(await url([], both)).toEqual(['file:./plain', 'NARROWCAST_URL'])
    expect(await url(['-c', 'flag'], both)).toEqual(['file:./flag', 'context flag (--context)'])
    expect(await url(['-u', 'flag'], both)).toEqual(['file:./flag', 'context flag (--url)'])
    expect(await url(['-c', 'flag', '-u', 'file:./x'], both)).toEqual(['file:./x', '--url'])
    expect(await url([], { NARROWCAST_URL: 'variable' })).toEqual([
      ...['file:./variable', 'context variable (NARROWCAST_URL)'],
    ])
    expect(await url(['-c', 'none'])).toEqual(['file:./project', file])
    const two = await refused(world, 'channels', 'ls', '-c', 'flag', '-u', 'used')
    expect(two).toEqual([2, expect.stringContaining('name two contexts')])
    expect((await refused(world, 'channels', 'ls', '-c', 'flog'))[0]).toBe(4)
    writeFileSync(join(world.folder, '.config/narrowcast/selected.json'), '{"current":"gone"}')
    const [code, text] = await refused(world, 'channels', 'ls')
    expect([code, text]).toEqual([4, expect.stringContaining('context use none')])
    await done(world, 'context', 'use', 'none')
  })

  it('that is protected refuses every change, whichever way it is in force', async () => {
    using world = cliWorld()
    await done(world, 'publish', 'hello', '1')
    await done(world, 'context', 'add', 'prod', 'file:./.narrowcast/store', '--protect')
    const publish = ['publish', 'hello', '2'] as const
    for (const words of [
      ['-c', 'prod'],
      ['-u', 'prod'],
      ['-c', 'prod', '-u', 'file:./elsewhere'],
    ]) {
      const [code, text] = await refused(world, ...publish, ...words)
      expect([code, text]).toEqual([5, expect.stringContaining('Switched off by context prod')])
    }
    expect(existsSync(join(world.folder, 'elsewhere'))).toBe(false)
    expect((await world.run(publish, { env: { NARROWCAST_CONTEXT: 'prod' } })).code).toBe(5)
    await done(world, 'context', 'use', 'prod')
    expect((await refused(world, ...publish))[0]).toBe(5)
    expect((await settings(world, []))('readOnly')).toEqual([true, 'context prod (context use)'])
    expect(await done(world, 'channels', 'ls', '-o', 'csv')).toContain('hello,queue,1,')
    await done(world, ...publish, '-c', 'none')
    await done(world, 'context', 'use', 'none')
    await done(world, ...publish)
  })

  it.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'says its environment where a change asks for a yes (needs the program `script`)',
    async () => {
      using world = cliWorld()
      await done(world, 'publish', 'hello', '1')
      const store = `file:${world.folder}/.narrowcast/store`
      const look = ['--environment', 'production', '--colour', 'red']
      await done(world, 'context', 'add', 'prod', store, ...look)
      const line = `"${process.execPath}" "${main}" channels purge hello -c prod`
      const ran = spawnSync('script', ['-qefc', line, '/dev/null'], {
        ...{ cwd: world.folder, input: 'no\r', encoding: 'utf8' },
        env: { PATH: process.env.PATH, HOME: world.folder, TERM: 'xterm' },
      })
      expect(ran.status).toBe(5)
      expect(ran.stdout).toContain('\u001b[31m[production] \u001b[39mRemove 1 waiting')
      expect((await world.json('channels', 'show', 'hello')).waiting).toBe(1)
    },
  )

  it('is refused where no driver could connect to it', async () => {
    using world = cliWorld()
    const [code, text] = await refused(world, 'context', 'add', 'evil', `mqtt://me:${canary}@h`)
    expect(code).toBe(2)
    expect(text).toContain('context add: no driver for the scheme mqtt: of mqtt://me:***@h')
    expect(text).toMatch(/Known are (\w+:, )+redis:/)
    expect(await world.json('context', 'ls')).toMatchObject({ items: [] })
  })

  it('says when it is chosen that the project file comes first', async () => {
    using world = cliWorld()
    const file = join(world.folder, 'narrowcast.config.json')
    await done(world, 'context', 'add', 'prod', 'file:./prod')
    const use = async () => {
      const { code, stdout, stderr } = await world.run(['context', 'use', 'prod'])
      expect([code, stdout]).toEqual([0, 'using prod  file:./prod\n'])
      return stderr
    }
    expect(await use()).toBe('')
    writeFileSync(file, '{"url":"file:./here"}')
    expect(await use()).toContain(`${file} comes first here: its URL is file:./here. -c prod takes`)
    writeFileSync(file, '{"url":"file:./prod"}')
    expect(await use()).toBe('')
    writeFileSync(file, '{ broken')
    expect(await use()).toContain(file)
  })

  it('gives its secrets to nobody', async () => {
    using world = cliWorld()
    const url = `redis://me:${canary}@localhost`
    const command = `echo ${canary}`
    lay(world, 'url', { url })
    lay(world, 'run', { url: 'redis://me@localhost', passwordCommand: command })
    await done(world, 'context', 'use', 'url')
    for (const words of [
      ['context', 'ls', '--json'],
      ['context', 'show', 'url', '-v'],
      ['context', 'show', 'run', '--json'],
      ['context', 'add', 'url', url, '--replace', '-v'],
      ['config', 'show', '--origin'],
      ['channels', 'ls', '-v'],
      ['channels', 'ls', '-c', 'run', '-v'],
      ['channels', 'ls', '-c', 'run', '--json'],
      ['doctor', '-c', 'run'],
    ]) {
      const { stdout, stderr } = await world.run(words)
      expect(stdout + stderr, words.join(' ')).not.toContain(canary)
      expect(stdout + stderr).not.toBe('')
    }
    writeFileSync(fileOf(world, 'url'), `{"url": ${canary}`, { mode: 0o600 })
    expect(await refused(world, 'context', 'show', 'url')).toEqual([
      ...[2, expect.not.stringContaining(canary)],
    ])
  })

  it('runs the command for its password for its own URL alone', async () => {
    using world = cliWorld()
    const command = script(world, 'password.sh', `#!/bin/sh\ntouch asked\necho '${canary}'\n`)
    const asked = join(world.folder, 'asked')
    lay(world, 'app', { url: 'redis://me@host', passwordCommand: command })
    await world.run(['channels', 'ls', '-c', 'app', '-u', 'redis://other'])
    await done(world, 'config', 'show', '-c', 'app')
    expect(existsSync(asked)).toBe(false)
    await world.run(['channels', 'ls', '-c', 'app'])
    expect(existsSync(asked)).toBe(true)
    for (const [bad, text, ...limit] of [
      ['exit 3', 'ended with exit 3'],
      ['true', 'printed nothing'],
      ['exec sleep 60', 'did not end in 300 ms', '--timeout', '300ms'],
    ] as const) {
      lay(world, 'bad', { url: 'redis://x', passwordCommand: bad })
      const [, said] = await refused(world, 'channels', 'ls', '-c', 'bad', ...limit)
      expect(said).toContain(text)
    }
    for (const wrong of ['file:./x', 'redis://me:pw@host']) {
      lay(world, 'w', { url: wrong, passwordCommand: 'echo x' })
      expect((await refused(world, 'channels', 'ls', '-c', 'w'))[0]).toBe(2)
    }
  })

  it.for([
    ['{"url":"file:./x","showdata":true}', 'unknown field showdata'],
    ['{"url":7}', 'url: expected a URL'],
    ['{}', 'has no url'],
    ['[]', 'expected an object'],
    ['{"url":"file:./x","environment":{"name":"a","colour":"pink"}}', 'environment: expected'],
    ['{"url":"file:./x","readOnly":"yes"}', 'readOnly: expected'],
  ])('refuses the file %s', async ([text, why]) => {
    using world = cliWorld()
    await done(world, 'context', 'add', 'x', 'file:./x')
    writeFileSync(fileOf(world, 'x'), text as string)
    expect(await refused(world, 'channels', 'ls', '-c', 'x')).toEqual([
      ...[2, expect.stringContaining(why as string)],
    ])
  })

  it.for(['../x', 'a b', 'none', 'redis:x', '-', ''])('%j is no name', async (name) => {
    using world = cliWorld()
    expect((await refused(world, 'context', 'add', '--', name, 'file:./x'))[0]).toBe(2)
    expect(existsSync(join(world.folder, '.config'))).toBe(false)
  })
})
