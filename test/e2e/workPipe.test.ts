import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cliWorld, ndjson, plainEnv, type World } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')

const store = ['-u', 'file:./.narrowcast/store?backoff=10ms..20ms']

/** With a reader that leaves after one line. */
const intoHead = (world: World, args: readonly string[]) => intoReader(world, args, 'head -n 1')

/** Runs it in a shell, with a pipe to a reader. */
async function intoReader(world: World, args: readonly string[], reader: string) {
  const words = `"$0" "$@" | ${reader}`
  const child = spawn('sh', ['-c', words, process.execPath, main, ...args, ...store], {
    cwd: world.folder,
    env: plainEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  onTestFinished(() => {
    if (child.exitCode === null) process.kill(-(child.pid as number), 'SIGKILL')
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  await new Promise((done) => child.on('close', done))
  return { stdout, stderr }
}

/** A worker whose reader is gone from the start, behind a socket as programs open them. */
async function intoNobody(world: World, args: readonly string[]) {
  const work = world.start([...args, ...store])
  work.child.stdout?.destroy()
  return work.ended
}

function moduleThatPrints(world: World): string {
  const path = join(world.folder, 'print.mjs')
  writeFileSync(path, 'export default (data) => console.log(JSON.stringify(data))\n')
  return path
}

/** Lines that are written as one, and together more than a pipe takes that nobody reads yet. */
const wide = (count: number) => ndjson(count).replaceAll('}', `,"text":"${'x'.repeat(4_000)}"}`)

const line = 'nobody reads stdout any more: what could not be printed goes back at no cost'

const count = 40

describe.skipIf(process.platform === 'win32')('work whose stdout nobody reads any more', () => {
  it.for([
    ['a program that is killed', ['--exec', 'cat; echo']],
    ['a program that fails', ['--exec', `trap '' PIPE; cat || exit 1`]],
    ['a program that asks for a retry', ['--exec', `trap '' PIPE; cat || exit 75`]],
    ['a program that says dead', ['--exec', `trap '' PIPE; cat || exit 65`]],
    ['more workers', ['--exec', 'cat; echo', '--workers', '2', '--concurrency', '3']],
    ['a module', ['--module', './print.mjs']],
    ['a module in more workers', ['--module', './print.mjs', '--workers', '2']],
  ] as const)('ends in order and charges nothing: %s', async ([_name, how]) => {
    using world = cliWorld()
    moduleThatPrints(world)
    await world.run(['publish', 'jobs', '--ndjson', ...store], { input: wide(count) })
    const piped = await intoHead(world, ['work', 'jobs', ...how, '--until', 'end'])
    expect(piped.stdout).toMatch(/^\{"n":\d+,"text":"x+"\}\n$/)
    expect(piped.stderr.split(line)).toHaveLength(2)
    expect(piped.stderr).not.toMatch(/^(error|dead) |died|told to/m)
    expect(piped.stderr).toContain('retried 0   dead 0')
    const socket = await intoNobody(world, ['work', 'jobs', ...how, '--until', 'end'])
    expect([socket.code, socket.stderr]).toEqual([0, expect.stringContaining(line)])
    expect(socket.stderr).toContain('acked 0   retried 0   dead 0')
    const { waiting, out } = await world.json('channels', 'show', 'jobs', ...store)
    expect([Number(waiting) + Number(out), Number(waiting) > 0]).toEqual([count, true])
    expect(await world.json('channels', 'show', 'jobs', ...store)).toMatchObject({
      ...{ in_flight: 0, scheduled: 0, dead: 0 },
    })
    const after = await world.lines(
      ...['work', 'jobs', '--exec', 'echo $NARROWCAST_ATTEMPT', '--until', 'end', ...store],
    )
    const attempts = after.filter(({ type }) => type === 'work.output').map((one) => one.line)
    expect([attempts.length, new Set(attempts)]).toEqual([waiting, new Set(['1'])])
  })

  it('acknowledges no line of a module that a slow reader has no room for yet', async () => {
    using world = cliWorld()
    moduleThatPrints(world)
    await world.run(['publish', 'jobs', '--ndjson', ...store], { input: wide(500) })
    const args = ['work', 'jobs', '--module', './print.mjs', '--until', 'end']
    const { stdout, stderr } = await intoReader(world, args, '(sleep 3; wc -l)')
    expect([stdout.trim(), stderr]).toEqual(['500', expect.stringContaining('acked 500')])
  })

  it('goes on with programs that print nothing', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson', ...store], { input: ndjson(3) })
    const quiet = ['work', 'jobs', '--exec', 'cat > /dev/null', '--until', 'end']
    const { code, stderr } = await intoNobody(world, quiet)
    expect([code, stderr]).toEqual([0, expect.stringContaining('acked 3')])
    expect(stderr).not.toContain(line)
  })

  it('charges what fails by itself while somebody reads: a pipe of its own', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1', ...store])
    const args = ['work', 'jobs', '--exec', 'kill -s PIPE $$', '--until', 'end']
    const { stderr } = await intoHead(world, args)
    expect(stderr).toContain('killed by SIGPIPE')
    expect(stderr).toContain('dead 1')
    expect(stderr).not.toContain(line)
  })
})
