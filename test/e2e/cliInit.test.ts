import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { cliWorld, type World } from './cliRun.ts'

const names = ['narrowcast.config.mts', 'publish.mts', 'work.mts']
const library = pathToFileURL(resolve(import.meta.dirname, '../../src/index.ts')).href

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')

/** The package as npm would put it there, without a build. */
function install({ folder }: World): void {
  const place = join(folder, 'node_modules/narrowcast')
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'package.json'), '{ "type": "module", "exports": "./index.mjs" }')
  writeFileSync(join(place, 'index.mjs'), `export * from '${library}'\n`)
}

function node(folder: string, file: string) {
  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  return { child, said: () => said, ended: once(child, 'close') }
}

describe('init', () => {
  it('writes three short files that run as they stand', async () => {
    using world = cliWorld()
    install(world)
    const { code, stdout, stderr } = await world.run(['init', 'shop', '--channel', "o'brien"])
    expect([code, stderr]).toEqual([2, expect.stringContaining('channel name')])
    expect(stdout).toBe('')
    const ran = await world.run(['init', 'shop', '--channel', 'orders', '--yes'])
    expect([ran.code, ran.stderr]).toEqual([0, ''])
    const folder = join(world.folder, 'shop')
    expect(readdirSync(folder).sort()).toEqual(names)
    for (const name of names) {
      const text = readFileSync(join(folder, name), 'utf8')
      expect(text.trimEnd().split('\n').length, name).toBeLessThanOrEqual(15)
    }
    const publish = node(folder, 'publish.mts')
    expect(await publish.ended).toEqual([0, null])
    expect(publish.said()).toMatch(/^published 1 as .*\npublished 2 as .*\npublished 3 as .*\n$/)
    const work = node(folder, 'work.mts')
    await expect.poll(work.said, { timeout: 30_000 }).toContain('got 3 at attempt 1')
    work.child.kill('SIGINT')
    expect(await work.ended).toEqual([0, null])
    expect(work.said().trim().split('\n').sort()).toEqual([
      ...[1, 2, 3].map((n) => `got ${n} at attempt 1`),
      'working; Ctrl-C drains and ends',
    ])
    const config = ['--config', 'shop/narrowcast.config.mts']
    const shown = await world.run(['config', 'show', ...config])
    expect(shown.stdout).toMatch(/channels\.orders\.attempts +5/)
    const url = `file:${folder}/.narrowcast/store`
    expect((await world.json('channels', 'show', 'orders', '-u', url)).waiting).toBe(0)
  })

  it.for(names)('writes over no %s', async (name) => {
    using world = cliWorld()
    writeFileSync(join(world.folder, name), 'mine')
    const { code, stderr } = await world.run(['init'])
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${name} in`)])
    expect(readdirSync(world.folder)).toEqual([name])
    expect(readFileSync(join(world.folder, name), 'utf8')).toBe('mine')
  })

  it.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'asks on a terminal for what no flag says (needs the program `script`)',
    async () => {
      using world = cliWorld()
      const command = `"${process.execPath}" "${main}" init`
      const child = spawn('script', ['-qefc', command, '/dev/null'], {
        cwd: world.folder,
        env: { PATH: process.env.PATH, HOME: world.folder, TERM: 'xterm' },
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      let said = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      const ended = once(child, 'close')
      await expect.poll(() => said, { timeout: 30_000 }).toContain('Channel [hello]')
      child.stdin.write('orders\r')
      await expect.poll(() => said, { timeout: 30_000 }).toContain('Backend [file:')
      child.stdin.write('\r')
      expect((await ended)[0]).toBe(0)
      expect(said).toContain('node publish.mts   then   node work.mts')
      expect(readFileSync(join(world.folder, 'work.mts'), 'utf8')).toContain("}>('orders')")
    },
  )

  it('takes no password into a file, and says what is not installed', async () => {
    using world = cliWorld()
    const { code, stderr } = await world.run(['init', '-u', 'redis://me:c4n4ry@host'])
    expect([code, stderr]).toEqual([2, expect.not.stringContaining('c4n4ry')])
    expect(existsSync(join(world.folder, 'work.mts'))).toBe(false)
    const ran = await world.run(['init'])
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('npm install narrowcast')])
  })
})
