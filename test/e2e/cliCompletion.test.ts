import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, script, type World } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const has = (program: string) => spawnSync(program, ['--version']).status === 0

async function complete(world: World, words: readonly string[], env = {}): Promise<string[]> {
  const ran = await world.run(['__complete', '--', ...words], { env })
  expect([ran.code, ran.stderr]).toEqual([0, ''])
  return ran.stdout.split('\n').slice(0, -1)
}

/** Names of a backend come fast or not at all: on a busy machine not at the first time. */
const completes = (world: World, words: readonly string[], env = {}) =>
  expect.poll(async () => [words, await complete(world, words, env)], { timeout: 30_000 })

/** A queue, a stream with a group, and a context that leads to them. */
async function filled(): Promise<World> {
  const world = cliWorld()
  await world.run(['publish', 'hello', '1'])
  await world.run(['publish', 'events', '1', '--pattern', 'stream'])
  await world.run(['work', 'events', '--group', 'billing', '--exec', 'cat', '--until', 'end'])
  await world.run(['context', 'add', 'here', `file:${world.folder}/.narrowcast/store`])
  return world
}

describe('completion', () => {
  it('names what is there: channels, groups, contexts', async () => {
    using world = await filled()
    for (const [words, found] of [
      [
        ['tail', ''],
        ['events', 'hello'],
      ],
      [['tail', 'he'], ['hello']],
      [['tail', 'hello', ''], []],
      [['groups', 'show', 'events', ''], ['billing']],
      [['groups', 'show', 'hello', ''], []],
      [['work', 'events', '--group', 'b'], ['billing']],
      [['work', 'events', '--group=b'], ['--group=billing']],
      [['channels', 'ls', '--sort=o'], ['--sort=oldest']],
      [['context', 'use', ''], ['here']],
      [['context', 'rm', 'h'], ['here']],
      [['context', 'add', ''], []],
      [['stats', '-c', ''], ['here']],
      [['stats', '--url', 'h'], ['here']],
      [['tail', '-u', 'file:./nowhere', ''], []],
      [['tail', '--url=file:./nowhere', ''], []],
      [['tail', '-u', 'file:./nowhere', '-u', 'here', 'h'], ['hello']],
    ] as const) {
      await completes(world, words).toEqual([words, found])
    }
    const words = ['tail', 'h']
    await completes(world, words, { NARROWCAST_OUTPUT: 'json' }).toEqual([words, ['hello']])
  })

  it('makes no store, says nothing, and asks no command for a password', async () => {
    using world = cliWorld()
    const command = script(world, 'ask.sh', '#!/bin/sh\ntouch asked\necho pw\n')
    await world.run(['context', 'add', 'app', 'file:./x'])
    writeFileSync(
      join(world.folder, '.config/narrowcast/contexts/app.json'),
      JSON.stringify({ url: 'redis://h', passwordCommand: command }),
    )
    const before = readdirSync(world.folder)
    for (const words of [
      ['tail', ''],
      ['tail', '-u', 'file:./typo', ''],
      ['tail', '-u', 'redis://nowhere', ''],
      ['tail', '-c', 'app', ''],
      ['tail', '-c', 'gone', ''],
      ['groups', 'show', 'x', ''],
    ]) {
      expect(await complete(world, words)).toEqual([])
    }
    writeFileSync(join(world.folder, 'narrowcast.config.json'), '{ broken')
    expect(await complete(world, ['tail', ''])).toEqual([])
    rmSync(join(world.folder, 'narrowcast.config.json'))
    expect(readdirSync(world.folder)).toEqual(before)
  })

  it.skipIf(!has('bash'))('works in bash, also for what it takes apart', async () => {
    using world = await filled()
    const reply = (words: readonly string[]) => {
      const all = words.map((word) => `'${word}'`).join(' ')
      const text = `source <(narrowcast completion bash)
COMP_WORDS=(narrowcast ${all}); COMP_CWORD=${words.length}; _narrowcast
printf '%s\\n' "\${COMPREPLY[@]}"`
      const ran = spawnSync('bash', ['--norc', '-ec', text], shellOf(world))
      expect(ran.stderr).toBe('')
      return ran.stdout.trim().split('\n')
    }
    expect(reply(['dead', 're'])).toEqual(['redrive'])
    const replies = (words: readonly string[]) =>
      expect.poll(() => reply(words), { timeout: 30_000 })
    await replies(['tail', '']).toEqual(['events', 'hello'])
    // As readline cuts `-u file:./.narrowcast/store` and `--sort=o`.
    await replies(['tail', '-u', 'file', ':', './.narrowcast/store', 'h']).toEqual(['hello'])
    expect(reply(['channels', 'ls', '--sort', '=', 'o'])).toEqual(['oldest'])
    expect(reply(['channels', 'ls', '--sort', '='])).toContain('waiting')
    expect(reply(['tail', '-u', 'file', ':', './nowhere', ''])).toEqual([''])
  })

  it.skipIf(!has('bash') || !has('script'))('completes on the Tab key in bash', async () => {
    using world = await filled()
    const { cwd, env } = shellOf(world)
    const shell = spawn('script', ['-qefc', 'bash --norc --noprofile -i', '/dev/null'], {
      ...{ cwd, env: { ...env, TERM: 'dumb', PS1: '> ' } },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let said = ''
    shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    shell.stdin.write('source <(narrowcast completion bash); echo read"y"\r')
    await expect.poll(() => said, { timeout: 30_000 }).toContain('ready')
    shell.stdin.write('narrowcast channels show -u file:./.narrowcast/store he')
    const afterTab = () => {
      shell.stdin.write('\t')
      return said
    }
    await expect.poll(afterTab, { timeout: 30_000, interval: 2_000 }).toContain('store hello')
    shell.stdin.write('\u0015exit\r')
    await new Promise((done) => shell.once('close', done))
  })

  it.for([
    [
      'zsh',
      'autoload -U compinit; compinit -D; eval "$(narrowcast completion zsh)"; whence _narrowcast',
    ],
    ['fish', 'narrowcast completion fish | source; complete -C "narrowcast tail he"'],
    ['pwsh', ''],
  ] as const)('%s reads its script, where it is there', async ([shell, text]) => {
    using world = await filled()
    const { stdout } = await world.run(['completion', shell])
    expect(stdout).toContain('__complete')
    if (text === '' || !has(shell)) return
    const ran = spawnSync(shell, ['-c', text], shellOf(world))
    expect([ran.status, ran.stderr]).toEqual([0, ''])
    expect(ran.stdout).toMatch(/hello|_narrowcast/)
  })
})

/** A shell in the world's folder that has `narrowcast` on its path. */
function shellOf(world: World) {
  const bin = join(world.folder, 'bin')
  mkdirSync(bin, { recursive: true })
  script(world, 'bin/narrowcast', `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`)
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: world.folder }
  return { cwd: world.folder, env, encoding: 'utf8' } as const
}
