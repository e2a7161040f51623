import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import type { ChannelSpec, ReaderSpec, SubscriberSpec } from '../../../src/core/channel.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { Live, LiveEvents, Session, SourceEvents } from '../../../src/core/driver.ts'
import type { NarrowcastError } from '../../../src/core/errors.ts'
import type { Delivery, OutgoingMessage } from '../../../src/core/message.ts'
import { file } from '../../../src/drivers/file/index.ts'

export const never: AbortSignal = new AbortController().signal

export function spec(over: Partial<ChannelSpec> = {}): ChannelSpec {
  return {
    name: 'orders',
    pattern: 'queue',
    via: 'direct',
    leaseMs: 30_000,
    envelope: true,
    payloadBytesMax: 1_048_576,
    dedupeWindowMs: null,
    retention: { ageMs: null, messages: null, bytes: null },
    ...over,
  }
}

export function readerSpec(reader: string, over: Partial<ReaderSpec> = {}): ReaderSpec {
  return {
    reader,
    worker: { id: `worker-of-${reader}`, incarnation: '1' },
    group: null,
    holding: [],
    hold: { messages: 100_000, bytes: 256 * 1024 * 1024 },
    leaseMs: 30_000,
    charge: 'taken',
    from: 'first',
    order: null,
    ...over,
  }
}

export function subscriberSpec(
  id: string,
  over: Partial<SubscriberSpec> & { incarnation?: string } = {},
): SubscriberSpec {
  const { incarnation = '1', ...rest } = over
  const hold = { messages: 1_000, bytes: 64 * 1024 * 1024 }
  return { worker: { id, incarnation }, leaseMs: 3_000, hold, ...rest }
}

/** What a driver must have for the live patterns. */
export function liveOf(session: Session): Required<Live> {
  const { live } = session
  if (!live?.workers || !live.send || !live.lead) throw new Error('no live patterns')
  return live as Required<Live>
}

export function message(id: string, over: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id,
    key: null,
    timeMs: Date.now(),
    headers: {},
    delayMs: 0,
    redrives: 0,
    dedupeId: null,
    type: 'orders',
    source: 'narrowcast',
    body: JSON.stringify({ id }),
    ...over,
  }
}

export const quiet: SourceEvents & LiveEvents = { lost: () => undefined, gap: () => undefined }

/** A folder that is removed afterwards. */
export async function folder(): Promise<{ dir: string } & AsyncDisposable> {
  const dir = await mkdtemp(join(tmpdir(), 'narrowcast-file-'))
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

export interface Opened extends AsyncDisposable {
  readonly session: Session
  /** Resolves when the session says that it ended. */
  readonly closed: Promise<NarrowcastError>
}

export async function open(
  dir: string,
  options: { sync?: 'normal' | 'full'; clock?: Clock } = {},
): Promise<Opened> {
  const closed = Promise.withResolvers<NarrowcastError>()
  const session = await file({ dir, ...options }).open({ closed: closed.resolve }, never)
  return {
    session,
    closed: closed.promise,
    [Symbol.asyncDispose]: async () => session[Symbol.asyncDispose](),
  }
}

/** Everything that waits in a queue, and comes within some ms after that, acknowledged. */
export async function drainQueue(session: Session, quietMs = 500): Promise<Delivery[]> {
  await using source = await session.source(spec(), readerSpec('drain'), quiet, never)
  const all: Delivery[] = []
  for (;;) {
    const room = { messages: 1_000, bytes: 1e8 }
    const deliveries = await source.receive(room, AbortSignal.timeout(quietMs))
    if (deliveries.length === 0 && (await waiting(session)) === 0) return all
    all.push(...deliveries)
    await source.settle(
      deliveries.map(({ token }) => ({ token, kind: 'ack' as const })),
      never,
    )
  }
}

/** A slow machine may give nothing in time, though it is there. */
export async function waiting(session: Session): Promise<number> {
  const [depth] = (await session.admin.depths?.([spec()], never)) ?? []
  return Number(depth?.waiting)
}

export interface Child extends AsyncDisposable {
  readonly process: ChildProcess
  /** Everything it has said so far. */
  readonly said: unknown[]
  /** Resolves when it has said `count` things. */
  says(count: number): Promise<void>
  kill(): Promise<void>
  /** Resolves with its exit code. */
  ended: Promise<number | null>
}

/** Another process at the store; see child.ts for what it can do. */
export function child(...args: (string | number)[]): Child {
  return forked('child.ts', args)
}

/** The same at a broadcast or narrowcast; see liveChild.ts. */
export function liveChild(...args: (string | number)[]): Child {
  return forked('liveChild.ts', args)
}

function forked(script: string, args: readonly (string | number)[]): Child {
  const process = fork(join(import.meta.dirname, script), args.map(String), {
    serialization: 'advanced',
  })
  const said: unknown[] = []
  process.on('message', (what) => said.push(what))
  // By then all that it has said is here.
  const ended = once(process, 'close').then(([code]) => code as number | null)
  const kill = async () => {
    process.kill('SIGKILL')
    await ended
  }
  return {
    process,
    said,
    ended,
    async says(count) {
      while (said.length < count) {
        const gone = ended.then((code) => {
          if (said.length < count) throw new Error(`a child ended with ${code}`)
        })
        await Promise.race([once(process, 'message'), gone])
      }
    },
    kill,
    async [Symbol.asyncDispose]() {
      if (process.exitCode === null && process.signalCode === null) await kill()
    },
  }
}

/** Not in the midst of a transaction, for then everybody would wait for it. */
export async function stopIdle(child: Child, dir: string): Promise<void> {
  for (;;) {
    child.process.kill('SIGSTOP')
    await wait(20)
    if (isFree(dir)) return
    child.process.kill('SIGCONT')
    await wait(20)
  }
}

function isFree(dir: string): boolean {
  using db = new DatabaseSync(join(dir, 'store.db'), { timeout: 0 })
  try {
    db.exec('BEGIN IMMEDIATE')
    return true
  } catch {
    return false
  }
}
