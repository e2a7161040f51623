import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { onFreePort } from './onFreePort.ts'
import { ownFolder } from './ownFolder.ts'
import { NotStarted, OwnProcess } from './ownProcess.ts'

const shell = (script: string, readyWithinMs = 10_000) => ({
  command: 'sh',
  args: ['-c', script],
  ready: /ready/,
  readyWithinMs,
})

test('a folder goes with all that is in it, once', async () => {
  const folder = await ownFolder('test')
  await writeFile(join(folder.path, 'a'), '')
  await folder.remove()
  await folder.remove()
  expect(existsSync(folder.path)).toBe(false)
})

test('without a shell there is no folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'narrowcast-test-'))
  vi.stubEnv('PATH', root)
  vi.stubEnv('TMPDIR', root)
  try {
    await expect(ownFolder('test')).rejects.toThrow('spawn sh ENOENT')
    expect(await readdir(root)).toEqual([])
  } finally {
    vi.unstubAllEnvs()
    await rm(root, { recursive: true })
  }
})

test('removing a folder ends what runs in it', async () => {
  const folder = await ownFolder('test')
  const { pid } = await OwnProcess.start(shell('echo ready; exec sleep 100'), folder)
  expect(process.kill(pid, 0)).toBe(true)
  await folder.remove()
  await expect.poll(() => isAlive(pid)).toBe(false)
})

test('removing a folder ends all that runs in it, after one of them has ended too', async () => {
  const folder = await ownFolder('test')
  const start = async () => await OwnProcess.start(shell('echo ready; exec sleep 100'), folder)
  const [first, second, third] = [await start(), await start(), await start()]
  await second.end('SIGTERM')
  await folder.remove()
  await expect.poll(() => [first.pid, third.pid].filter(isAlive)).toEqual([])
})

test('the commands that end programs are all run, but those that were taken back', async () => {
  const folder = await ownFolder('test')
  const root = await mkdtemp(join(tmpdir(), 'narrowcast-test-'))
  const write = (name: string) => folder.endBy(`echo > ${join(root, name)}`)
  write('a')
  const ended = write('b')
  write('c')
  ended()
  await folder.remove()
  expect((await readdir(root)).sort()).toEqual(['a', 'c'])
  await rm(root, { recursive: true })
})

test('a program is given an environment of its own, or ours', async () => {
  vi.stubEnv('NARROWCAST_OURS', '1')
  const folder = await ownFolder('test')
  const script = shell('echo $NARROWCAST_OURS $NARROWCAST_OWN ready')
  const env = { PATH: process.env.PATH ?? '', NARROWCAST_OWN: '2' }
  const ours = await OwnProcess.start(script, folder)
  const own = await OwnProcess.start({ ...script, env }, folder)
  expect([ours.output, own.output]).toEqual(['1 ready\n', '2 ready\n'])
  vi.unstubAllEnvs()
  await folder.remove()
})

test('what a program prints is kept, its end at most', async () => {
  const folder = await ownFolder('test')
  const script = 'echo first; head -c 100000 /dev/zero | tr "\\0" x; echo ready; exec sleep 100'
  const own = await OwnProcess.start(shell(script), folder)
  expect(own.output).toMatch(/^x+ready\n$/)
  expect(own.output).toHaveLength(65_536)
  await own.end('SIGTERM')
  await folder.remove()
})

test('SIGKILL ends what the program has started too, SIGTERM only itself', async () => {
  const folder = await ownFolder('test')
  const script = 'sleep 100 >/dev/null 2>&1 & echo $! ready; wait'
  const [spared, ended] = [
    await OwnProcess.start(shell(script), folder),
    await OwnProcess.start(shell(script), folder),
  ]
  const children = [spared, ended].map(({ output }) => Number.parseInt(output, 10))
  await spared.end('SIGTERM')
  await ended.end('SIGKILL')
  await ended.end('SIGKILL')
  expect(isAlive(children[0] as number)).toBe(true)
  process.kill(children[0] as number)
  await expect.poll(() => isAlive(children[1] as number)).toBe(false)
  await folder.remove()
})

test.for([
  ['ends', 'echo why >&2; exit 3', 'it ended with 3 before it was ready\nwhy'],
  ['is killed', 'kill -9 $$', 'it ended with SIGKILL before it was ready'],
])('a program that %s is not started, and says why', async ([, script, reason]) => {
  const folder = await ownFolder('test')
  const started = OwnProcess.start(shell(script as string), folder)
  await expect(started).rejects.toThrow(`sh -c ${script}: ${reason}`)
  await folder.remove()
})

test('a program that is not ready in time is ended', async () => {
  const folder = await ownFolder('test')
  const error = await OwnProcess.start(shell('echo $$; exec sleep 100', 200), folder).catch(
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(NotStarted)
  expect(String(error)).toContain('it is not ready within 200 ms')
  expect(isAlive(Number.parseInt((error as NotStarted).output, 10))).toBe(false)
  await folder.remove()
})

test('a program that is not there is told by its name', async () => {
  const folder = await ownFolder('test')
  const missing = { ...shell(''), command: 'narrowcast-no-such-program' }
  await expect(OwnProcess.start(missing, folder)).rejects.toThrow('ENOENT')
  await folder.remove()
})

test('another port is tried where one was taken, 20 at most', async () => {
  const taken = new NotStarted('x', 'bind: Address already in use')
  const tried: number[] = []
  const start = async (port: number) => {
    tried.push(port)
    if (tried.length < 3) throw taken
    return port
  }
  let next = 1
  expect(await onFreePort(start, () => next++)).toBe(3)
  let tries = 0
  const never = onFreePort(async () => {
    tries++
    throw taken
  })
  await expect(never).rejects.toBe(taken)
  expect(tries).toBe(20)
})

test('a program that does not start for another reason is tried once', async () => {
  const broken = new NotStarted('x', 'Bad directive')
  let tries = 0
  const never = onFreePort(async () => {
    tries++
    throw broken
  })
  await expect(never).rejects.toBe(broken)
  expect(tries).toBe(1)
})

/** One that has ended and was not collected yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = `/proc/${pid}/stat`
  return !(existsSync(stat) && /\) [ZX] /.test(readFileSync(stat, 'utf8')))
}
