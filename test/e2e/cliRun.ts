import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { echoMs } from '../../src/cli/echoes.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')
const guard = resolve(import.meta.dirname, '../../bin/demo.cjs')

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
  /** Resolves when stdout and stderr together have shown this text, with its first group. */
  shows(text: string | RegExp): Promise<string>
}

export interface World extends Disposable {
  readonly folder: string
  run(args: readonly string[], options?: RunOptions): Promise<Ran>
  start(args: readonly string[], options?: RunOptions): Running
  /** Runs with --json and parses stdout. */
  json(...args: string[]): Promise<Record<string, unknown>>
  /** The same for commands that print one object per line. */
  lines(...args: string[]): Promise<Record<string, unknown>[]>
}

export interface RunOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** By the guard that npm starts, both in a process group of their own. */
  readonly isGuarded?: boolean
}

/** Lines `{"n":1}` to `{"n":COUNT}`. */
export const ndjson = (count: number): string =>
  Array.from({ length: count }, (_, at) => `{"n":${at + 1}}\n`).join('')

/** Writes a program into the folder of a world. @returns its path. */
export function script(world: World, name: string, text: string): string {
  const path = join(world.folder, name)
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

/** A folder of its own with the default store in it; processes that still run are killed. */
export function cliWorld(): World {
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-cli-'))
  const running = new Set<ChildProcess>()
  const start = (args: readonly string[], options: RunOptions = {}): Running => {
    const { input, env = {}, isGuarded = false } = options
    const child = spawn(process.execPath, [isGuarded ? guard : main, ...args], {
      cwd: folder,
      detached: isGuarded,
      env: { ...plainEnv(), XDG_CONFIG_HOME: join(folder, '.config'), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    running.add(child)
    child.stdin?.on('error', () => {}) // a command that fails at once does not read its stdin
    child.stdin?.end(input ?? '')
    return watched(child, () => running.delete(child))
  }
  const run = (args: readonly string[], options?: RunOptions) => start(args, options).ended
  const lines = async (...args: string[]) => {
    const { code, stdout, stderr } = await run([...args, '--json'])
    if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code}: ${stderr}`)
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
  return {
    folder,
    run,
    start,
    lines,
    async json(...args) {
      const [first, ...more] = await lines(...args)
      if (!first || more.length > 0) throw new Error(`${args.join(' ')}: not one object`)
      return first
    },
    [Symbol.dispose]() {
      for (const child of running) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

/** Presses Ctrl-C again until it has ended, no faster than a person: what comes at once counts once. */
export async function killAgain(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const pressing = setInterval(() => child.kill(signal), 2 * echoMs)
  await once(child, 'exit').finally(() => clearInterval(pressing))
}

/** Nothing of the machine that runs the tests may decide them. */
export function plainEnv(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_COMPILE_CACHE'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(kept)
}

function watched(child: ChildProcess, onEnd: () => void): Running {
  let [stdout, stderr] = ['', '']
  /** Its exit may be told before the last of its text. */
  let isClosed = false
  const waiting = new Set<() => void>()
  const read = (stream: Readable | null, add: (text: string) => void) => {
    stream?.setEncoding('utf8')
    stream?.on('data', (text: string) => {
      add(text)
      for (const look of waiting) look()
    })
  }
  read(child.stdout, (text) => {
    stdout += text
  })
  read(child.stderr, (text) => {
    stderr += text
  })
  const ended = new Promise<Ran>((done) => {
    child.on('close', (code, signal) => {
      onEnd()
      isClosed = true
      done({ code, signal, stdout, stderr })
      for (const look of waiting) look()
    })
  })
  return {
    child,
    ended,
    shows: (text) =>
      new Promise<string>((resolved, reject) => {
        const look = () => {
          const all = stdout + stderr
          const found =
            typeof text === 'string' ? (all.includes(text) ? [text] : null) : text.exec(all)
          if (!found && !isClosed) return
          waiting.delete(look)
          if (found) resolved(found[1] ?? '')
          else reject(new Error(`ended without showing ${text}: ${all}`))
        }
        waiting.add(look)
        look()
      }),
  }
}
