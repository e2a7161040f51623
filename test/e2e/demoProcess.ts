import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const main = join(import.meta.dirname, '../../src/cli/main.ts')

/** A run of `narrowcast demo` as people start it. */
export interface DemoProcess {
  readonly child: ChildProcess
  readonly stdout: string
  readonly stderr: string
  /** Resolves with the exit code, or the signal. */
  readonly ended: Promise<number | string>
  /** Resolves when stderr holds it; rejects when the run ends without. */
  says(what: string | RegExp): Promise<void>
}

/** `terminal`: in one of 80 columns and 40 rows; all its output is then stdout. */
export function startDemo(
  cwd: string,
  words: readonly string[],
  options: { env?: Record<string, string>; terminal?: boolean } = {},
): DemoProcess {
  const { NO_COLOR: _no, FORCE_COLOR: _force, CI: _ci, ...env } = process.env
  const line = [process.execPath, main, 'demo', ...words]
  const [program = '', ...args] = options.terminal
    ? ['script', '-qefc', `stty cols 80 rows 40; ${quoted(line)}`, '/dev/null']
    : line
  const child = spawn(program, args, {
    cwd,
    env: { ...env, TERM: 'xterm-256color', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk
    for (const look of waiting) look()
  })
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1))
  })
  return {
    child,
    ended,
    get stdout() {
      return stdout
    },
    get stderr() {
      return stderr
    },
    says(what) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (typeof what === 'string' ? !stderr.includes(what) : !what.test(stderr)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        void ended.then((code) => reject(new Error(`ended with ${code} without it:\n${stderr}`)))
      })
    },
  }
}

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')

/** A working folder of its own, by which every process of a run can be found. */
export function demoFolder(): { dir: string; remove: () => void } {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'narrowcast demo ')))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

/** Pids of all processes that work in this folder; Linux alone can say it. */
export function processesIn(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === dir
      } catch {
        return false // it has ended, or is not ours
      }
    })
    .map(Number)
}
