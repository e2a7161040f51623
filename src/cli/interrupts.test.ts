import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { echoMs } from './echoes.ts'
import { listenForInterrupts } from './interrupts.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function listening() {
  const exits: number[] = []
  const [stdout, stderr] = [new EventEmitter(), new EventEmitter()]
  const exit = (code: number) => void exits.push(code)
  const program = Object.assign(new EventEmitter(), { stdout, stderr, exit })
  const interrupts = listenForInterrupts(program as unknown as NodeJS.Process)
  return { interrupts, exits, comes: (signal: string) => program.emit(signal) }
}

it('the first signal ends a command that does not claim it', () => {
  const { comes, exits } = listening()
  comes('SIGHUP')
  expect(exits).toEqual([129])
})

it.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s that comes to the group and is passed on counts once', async ([signal, code]) => {
  const { interrupts, comes, exits } = listening()
  const stopping = interrupts.claim()
  comes(signal)
  comes(signal)
  await vi.advanceTimersByTimeAsync(echoMs / 2)
  comes(signal)
  expect([stopping.aborted, interrupts.exitCode, exits]).toEqual([true, code, []])
})

it('the second Ctrl-C of a person ends it at once', async () => {
  const { interrupts, comes, exits } = listening()
  interrupts.claim()
  comes('SIGINT')
  await vi.advanceTimersByTimeAsync(echoMs + 1)
  comes('SIGINT')
  expect(exits).toEqual([130])
})

it('another signal is none that was passed on', () => {
  const { interrupts, comes, exits } = listening()
  interrupts.claim()
  comes('SIGINT')
  comes('SIGTERM')
  expect(exits).toEqual([143])
})
