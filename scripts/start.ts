import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Step } from './commands.ts'

export const root = join(import.meta.dirname, '..')

/**
 * Runs one step by this Node, with our terminal, to its end. SIGTERM and SIGHUP are passed on;
 * Ctrl-C reaches the child by itself.
 * @returns its exit code, 128 + n for signal n.
 */
export async function start(step: Step): Promise<number> {
  const child = spawn(process.execPath, [...step], { cwd: root, stdio: 'inherit' })
  const passOn = (signal: NodeJS.Signals) => child.kill(signal)
  const leave = () => undefined
  process.on('SIGTERM', passOn).on('SIGHUP', passOn).on('SIGINT', leave)
  try {
    return await ended(child)
  } finally {
    process.off('SIGTERM', passOn).off('SIGHUP', passOn).off('SIGINT', leave)
  }
}

function ended(child: ChildProcess): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.once('error', reject)
  child.once('exit', (code, signal) => {
    resolve(signal ? 128 + constants.signals[signal] : (code ?? 1))
  })
  return promise
}
