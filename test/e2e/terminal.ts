import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { plainEnv, type World } from './cliRun.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')

/** Whether this machine has the program that makes a terminal. */
export const hasTerminals = spawnSync('script', ['--version']).status === 0

export interface Terminal {
  readonly child: ChildProcess
  text(): string
  type(keys: string): void
  shows(text: string): Promise<void>
  readonly ended: Promise<number | null>
}

export interface TerminalOptions {
  readonly columns?: number
  readonly rows?: number
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command line on a pseudo-terminal, as `script` makes one. @default 80 × 24 */
export function onTerminal(
  world: World,
  line: string,
  { columns = 80, rows = 24, env = {} }: TerminalOptions = {},
): Terminal {
  const size = `stty cols ${columns} rows ${rows}`
  const command = `${size}; exec "${process.execPath}" "${main}" ${line}`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: world.folder,
    env: { ...plainEnv(), TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.on('error', () => {}) // a command that has ended reads no more keys
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return {
    child,
    text: () => text,
    type: (keys) => child.stdin.write(keys),
    shows: (wanted) => expect.poll(() => text, { timeout: 40_000 }).toContain(wanted),
    ended: new Promise((done) => child.on('close', (code) => done(code))),
  }
}
