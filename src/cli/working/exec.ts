import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { dead, type Verdict } from '../../core/verdict.ts'
import type { Received } from '../../runtime/api.ts'
import { childEnv } from '../children/children.ts'
import { isoTime } from '../output/quantities.ts'
import { type Guard, guardedShell } from './guard.ts'
import { isStdoutGone, type Outlet } from './outlet.ts'

/** sysexits.h: the data is wrong, and will stay so. */
const exitDead = 65
/** sysexits.h: it may work later. An attempt like any other, but named in its history. */
const exitRetry = 75
const killAfterMs = 5_000
/** Of a line that never ends, no more than this is kept. */
const lineLengthMax = 8_192

export interface ExecOptions {
  readonly command: string
  /** Null on Windows, which has no process groups. */
  readonly guard: Guard | null
  readonly channel: string
  /** Null: the program's stdout is that of this process. */
  readonly onLine: ((line: string) => Promise<void>) | null
  readonly onErrorLine: (line: string) => Promise<void>
  readonly outlet: Outlet
}

/**
 * Runs a program with the message on its stdin. Its exit code is the verdict: 0 ack, 65 dead with
 * the last line of stderr as reason, 75 retry, anything else an error. What fails while nobody reads
 * stdout any more is given back.
 * @throws Error with the exit code and the last line of stderr.
 */
export async function runProgram(
  body: string | Uint8Array,
  delivery: Received<unknown>,
  options: ExecOptions,
): Promise<Verdict | undefined> {
  const child = start(options, delivery)
  running.add(child)
  const stop = stopWith(child, delivery.signal)
  let lastLine = ''
  const { onLine } = options
  const out = onLine && child.stdout ? readLines(child.stdout, onLine) : null
  const errors = readLines(child.stderr as Readable, (line) => {
    if (line.trim() !== '') lastLine = line.trim()
    return options.onErrorLine(line)
  })
  // A program need not read its stdin.
  child.stdin?.on('error', () => {})
  // JSON text gets the newline that programs which read lines wait for.
  child.stdin?.end(typeof body === 'string' ? `${body}\n` : body)
  try {
    const exit = ended(child)
    await release(child, options.guard)
    const [code, signal] = await exit
    await Promise.all([out, errors])
    // Who cannot print fails in many ways, and none of them says anything of the message.
    const isUnread = code !== 0 && onLine === null && (await isStdoutGone())
    if (isUnread) return await options.outlet.giveBack(delivery.signal)
    return verdictOf(code, signal, lastLine)
  } finally {
    running.delete(child)
    if (child.pid !== undefined) options.guard?.remove(child.pid)
    stop()
  }
}

function start(
  { command, channel, guard, onLine }: ExecOptions,
  delivery: Received<unknown>,
): ChildProcess {
  const env = { ...childEnv(), ...messageEnv(delivery, channel) }
  const out = onLine ? 'pipe' : 'inherit'
  if (guard === null) return spawn(command, { shell: true, env, stdio: ['pipe', out, 'pipe'] })
  const [shell = '', ...args] = guardedShell
  return spawn(shell, [...args, 'sh', command], {
    // A group of its own: Ctrl-C does not end it while we drain, and an abort ends all of it.
    detached: true,
    env,
    stdio: ['pipe', out, 'pipe', 'pipe'],
  })
}

/** Not before the guard knows it: a program that begins ends with this process. */
async function release(child: ChildProcess, guard: Guard | null): Promise<void> {
  if (guard === null || child.pid === undefined) return
  const go = child.stdio[3] as Writable
  // Where it was stopped meanwhile nobody reads.
  go.on('error', () => {})
  await guard.add(child.pid)
  go.end('\n')
}

function verdictOf(
  code: number | null,
  signal: NodeJS.Signals | null,
  lastLine: string,
): Verdict | undefined {
  if (code === 0) return undefined
  if (code === exitDead) return dead(lastLine || `exit ${exitDead}`)
  const asked = code === exitRetry ? ' (try again)' : ''
  const how = signal ? `killed by ${signal}` : `exit ${code}${asked}`
  throw new Error(lastLine === '' ? how : `${how}: ${lastLine}`)
}

function messageEnv(
  { message, attempt }: Received<unknown>,
  channel: string,
): Record<string, string> {
  return {
    NARROWCAST_MESSAGE_ID: message.id,
    NARROWCAST_CHANNEL: channel,
    NARROWCAST_KEY: message.key ?? '',
    NARROWCAST_ATTEMPT: String(attempt),
    NARROWCAST_TIME: isoTime(message.timeMs),
    NARROWCAST_HEADERS: JSON.stringify(message.headers),
  }
}

/** Every program that runs now, so that none outlives this process. */
const running = new Set<ChildProcess>()

/** Ends every program at once, with all that it has started. */
export function killPrograms(): void {
  for (const child of running) kill(child, 'SIGKILL')
}

function stopWith(child: ChildProcess, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | null = null
  const onAbort = () => {
    kill(child, 'SIGTERM')
    timer = setTimeout(() => kill(child, 'SIGKILL'), killAfterMs)
  }
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  return () => {
    signal.removeEventListener('abort', onAbort)
    if (timer) clearTimeout(timer)
  }
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch (error) {
    // It has ended in between.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve([code, signal]))
  })
}

/** Calls with every line; what follows the last newline is a line too. */
async function readLines(stream: Readable, onLine: (line: string) => Promise<void>): Promise<void> {
  let rest = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() as string
    for (const line of lines) await onLine(line)
    while (rest.length > lineLengthMax) {
      await onLine(rest.slice(0, lineLengthMax))
      rest = rest.slice(lineLengthMax)
    }
  }
  if (rest !== '') await onLine(rest)
}
