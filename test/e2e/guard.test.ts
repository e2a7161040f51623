import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'

const bin = join(import.meta.dirname, '../../bin')

/** Loaded before the guard: the Node that runs it then says that it is old. */
const oldNode = `
Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`

/**
 * Stands in for npm: writes down how it was called and by which Node, and leaves what the real one
 * leaves. MODE: blocked = without the package's install script; offline = fails.
 */
const fakeNpm = `
const fs = require('fs'), path = require('path')
const args = process.argv.slice(2)
fs.appendFileSync(process.env.CALLS, JSON.stringify({ args, path: process.env.PATH, cwd: process.cwd() }) + '\\n')
console.log('npm is talking')
if (process.env.MODE === 'offline') process.exit(1)
if (args[0] === 'ci') {
  fs.mkdirSync('node_modules', { recursive: true })
  fs.writeFileSync('node_modules/.package-lock.json', '{}')
} else {
  const folder = path.join(args[args.indexOf('--prefix') + 1], 'node_modules/node')
  fs.mkdirSync(folder, { recursive: true })
  const bring = "require('fs').mkdirSync('bin'); require('fs').symlinkSync(" + JSON.stringify(process.execPath) + ", 'bin/node')"
  fs.writeFileSync(path.join(folder, 'installArchSpecificPackage.js'), bring)
  if (process.env.MODE !== 'blocked') { process.chdir(folder); eval(bring) }
}`

const program = `
process.on('SIGTERM', () => process.exit(41))
if (process.argv.includes('hear'))
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => console.log(signal))
console.log(JSON.stringify({ args: process.argv.slice(2), path: process.env.PATH }))
if (process.argv.includes('die')) process.kill(process.pid, 'SIGKILL')
if (/wait|hear/.test(process.argv[2])) setInterval(() => undefined, 1_000)
else process.exitCode = 7`

/** A project with a space in its path, the real guard and a program of two lines. */
async function project({ isInstalled = false } = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast guard '))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(bin, join(folder, 'bin'), { recursive: true })
  const files = {
    'src/cli/main.ts': program,
    'scripts/run.ts': program,
    'npm/npm-cli.js': fakeNpm,
    'old.cjs': oldNode,
    'package-lock.json': '{}',
    ...(isInstalled ? { 'node_modules/.package-lock.json': '{}' } : {}),
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  return folder
}

function launch(folder: string, args: string[], { isOld = false, mode = '' } = {}): ChildProcess {
  const words = [...(isOld ? ['-r', join(folder, 'old.cjs')] : []), 'bin/demo.cjs', ...args]
  const env = {
    ...process.env,
    MODE: mode,
    CALLS: join(folder, 'calls'),
    npm_execpath: join(folder, 'npm/npm-cli.js'),
  }
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(process.execPath, words, {
    cwd: folder,
    env,
    stdio: [...stdio],
    detached: true,
  })
  // With it the program that it has started: a test may fail before it has ended.
  onTestFinished(() => {
    if (child.exitCode === null && child.pid) process.kill(-child.pid, 'SIGKILL')
  })
  return child
}

async function guard(folder: string, args: string[], options = {}) {
  const child = launch(folder, args, options)
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { stdout, stderr, code }
}

async function calls(folder: string): Promise<{ args: string[]; path: string; cwd: string }[]> {
  const file = join(folder, 'calls')
  if (!existsSync(file)) return []
  return (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('everything is there: the program runs, with nothing said and its exit code', async () => {
  const folder = await project({ isInstalled: true })
  const { stdout, stderr, code } = await guard(folder, ['demo', '--seed', '7'])
  expect(JSON.parse(stdout).args).toEqual(['demo', '--seed', '7'])
  expect(JSON.parse(stdout).path.split(':')[0]).toBe(dirname(process.execPath))
  expect({ stderr, code }).toEqual({ stderr: '', code: 7 })
  expect(await calls(folder)).toEqual([])
})

test('--script runs one of the scripts of the project', async () => {
  const folder = await project({ isInstalled: true })
  const { stdout } = await guard(folder, ['--script', 'test', 'src/core'])
  expect(JSON.parse(stdout).args).toEqual(['test', 'src/core'])
})

test('dependencies that are missing are installed once, on stderr', async () => {
  const folder = await project()
  const { stdout, stderr, code } = await guard(folder, ['demo'])
  expect(code).toBe(7)
  expect(stdout).not.toContain('npm is talking')
  expect(stderr).toContain('Installing the dependencies')
  expect(stderr).toContain('npm is talking')
  await guard(folder, ['demo'])
  expect((await calls(folder)).map(({ args }) => args[0])).toEqual(['ci'])
  expect(await readdir(join(folder, '.narrowcast'))).toEqual([])
})

test('dependencies older than the lock file are installed anew', async () => {
  const folder = await project({ isInstalled: true })
  const { mtimeMs } = await stat(join(folder, 'node_modules/.package-lock.json'))
  await utimes(join(folder, 'package-lock.json'), new Date(), new Date(mtimeMs + 5_000))
  await guard(folder, ['demo'])
  expect((await calls(folder)).map(({ args }) => args[0])).toEqual(['ci'])
})

test('dependencies that cannot be installed: says so, exit 2, no lock left behind', async () => {
  const folder = await project()
  const { stderr, code } = await guard(folder, ['demo'], { mode: 'offline' })
  expect(code).toBe(2)
  expect(stderr).toContain('npm ci ended with exit code 1; the dependencies are missing')
  expect(await readdir(join(folder, '.narrowcast'))).toEqual([])
})

test.for(['', 'blocked'])('an old Node gets a new one, once (install scripts %j)', async (mode) => {
  const folder = await project()
  const first = await guard(folder, ['demo'], { isOld: true, mode })
  const newNodeDir = join(folder, '.narrowcast/node/node_modules/node/bin')
  expect(first.stderr).toContain('narrowcast needs Node.js 24.15 or newer; this is 20.20.2.')
  expect(first.code).toBe(7)
  // The program, and npm ci too, are run by the new Node.
  expect(JSON.parse(first.stdout).path.split(':')[0]).toBe(newNodeDir)
  const [install, ci] = await calls(folder)
  expect(install?.args.slice(0, 2)).toEqual(['install', '--prefix'])
  expect(install?.args).toContain('node@24')
  expect(ci?.args[0]).toBe('ci')
  expect(ci?.path.split(':')[0]).toBe(newNodeDir)
  const second = await guard(folder, ['demo'], { isOld: true })
  expect(second.stderr).toBe('')
  expect(await calls(folder)).toHaveLength(2)
})

test('an old Node and no network: the message and exit 2, and nothing half made', async () => {
  const folder = await project()
  const { stdout, stderr, code } = await guard(folder, ['demo'], { isOld: true, mode: 'offline' })
  expect({ stdout, code }).toEqual({ stdout: '', code: 2 })
  expect(stderr).toContain('Get it from https://nodejs.org')
  expect(await readdir(join(folder, '.narrowcast'))).toEqual([])
})

test('two first runs at once install once; the lock of a dead one is taken over', async () => {
  const folder = await project()
  await mkdir(join(folder, '.narrowcast'))
  const dead = spawn(process.execPath, ['-e', ''])
  await new Promise((resolve) => dead.once('exit', resolve))
  await writeFile(join(folder, '.narrowcast/setup.lock'), String(dead.pid))
  const both = await Promise.all([guard(folder, ['demo']), guard(folder, ['demo'])])
  expect(both.map(({ code }) => code)).toEqual([7, 7])
  expect((await calls(folder)).map(({ args }) => args[0])).toEqual(['ci'])
})

test('SIGTERM is passed on, and the exit code of the program returned', async () => {
  const folder = await project({ isInstalled: true })
  const child = launch(folder, ['wait'])
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  const code = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await code).toBe(41)
})

test('a program that a signal ends gives 128 + its number', async () => {
  const folder = await project({ isInstalled: true })
  expect((await guard(folder, ['die'])).code).toBe(137)
})

test.for([
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('%s to the guard alone reaches the program, which ends by it: %i', async (one) => {
  const [signal, exit] = one
  const folder = await project({ isInstalled: true })
  const child = launch(folder, ['wait'])
  await once(child.stdout as Readable, 'data')
  const ended = once(child, 'exit')
  child.kill(signal)
  expect(await ended).toEqual([exit, null])
})

test('a signal is passed on each time, once, and the guard waits for the program', async () => {
  const folder = await project({ isInstalled: true })
  const child = launch(folder, ['hear'])
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout as Readable })
  const heard: string[] = []
  const hears = async () => heard.push(...(await once(lines, 'line')))
  await once(lines, 'line')
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGINT'] as const) {
    child.kill(signal)
    await hears()
  }
  lines.on('line', (line) => heard.push(line))
  child.kill('SIGTERM')
  expect(await ended).toEqual([41, null])
  expect(heard).toEqual(['SIGINT', 'SIGHUP', 'SIGINT'])
})

test('the installed binary says what is needed, exit 2, and repeats no password', async () => {
  const folder = await project()
  const words = ['-r', join(folder, 'old.cjs'), 'bin/narrowcast.cjs', '-u', 'redis://:secret@h']
  const child = spawn(process.execPath, words, { cwd: folder })
  const [stderr, code] = await Promise.all([
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
  expect(code).toBe(2)
  expect(stderr).toBe(
    'narrowcast needs Node.js 24.15 or newer; this is 20.20.2.\n' +
      'Get it from https://nodejs.org, or: npx -y -p node@24 -p narrowcast narrowcast demo\n',
  )
})

test('an old Node can read the guard: no syntax that came after Node 8', async () => {
  const files = (await readdir(bin)).filter((file) => file !== 'start.cjs')
  expect(files.length).toBeGreaterThan(3)
  for (const file of files) {
    const code = (await readFile(join(bin, file), 'utf8')).replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')
    expect(code, file).not.toMatch(/=>|`|\?\.|\?\?|\.\.\.|\b(const|let|class|async|import)\b/)
    expect(code, file).not.toContain('node:')
  }
})
