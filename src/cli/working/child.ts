import { pathToFileURL } from 'node:url'
import { connect } from '../../connect.ts'
import type { Codec } from '../../core/codec.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import type { Drained, Handler, Received } from '../../runtime/api.ts'
import { untilAborted } from '../../runtime/untilAborted.ts'
import { type ChildWork, serveParent, type Tell as TellOf } from '../children/child.ts'
import { type ConnectionEvent, ConnectionWatch, connectPatiently } from '../connectionWatch.ts'
import { killPrograms, runProgram } from './exec.ts'
import { type Gap, Gaps } from './gaps.ts'
import { startGuard } from './guard.ts'
import { drainMs, type Settled, type WorkEvent, type WorkJob } from './job.ts'
import { Outlet } from './outlet.ts'

type Tell = TellOf<WorkEvent>

const tickMs = 100
/** Untold ends of deliveries; beyond that no further handler begins. */
const untoldMax = 5_000

/** The body as it lies in the broker: a program is handed exactly that. */
const asStored: Codec = {
  name: 'json',
  encode: (data) => data as string,
  decode: (body) => body,
}

serveParent<WorkJob, WorkEvent>(async (job, name, tell) => {
  process.on('exit', killPrograms)
  const draining = new AbortController()
  const outlet = new Outlet(() => {
    void tell({ kind: 'unread' })
    if (draining.signal.aborted) void subscription.drain({ timeoutMs: 0 })
  })
  const handler = await handlerOf(job, tell, outlet)
  const { config, control } = job
  const tellConnection = (event: ConnectionEvent) => void tell(event)
  const open = () => connect(job.url, { config, name, control })
  const bus = await connectPatiently(open, tellConnection)
  const connection = new ConnectionWatch(bus, tellConnection)
  const isExec = 'exec' in job.run
  const channel = bus[job.pattern]<unknown>(job.channel, isExec ? { codec: asStored } : {})
  const desk = new Desk(tell)
  const subscription = channel.subscribe((data, delivery) => desk.run(handler, data, delivery), {
    name,
    concurrency: job.concurrency,
    ...(job.group === null ? {} : { group: job.group }),
  })
  subscription.on('settled', ({ id, kind, outcome }) => desk.settled(id, kind, outcome))
  subscription.on(
    'dead',
    ({ id, letter }) => void tell({ kind: 'dead', id, cause: letter.cause, reason: letter.reason }),
  )
  subscription.on('late', ({ id, overdueMs }) => void tell({ kind: 'late', id, overdueMs }))
  subscription.on('gap', (gap) => desk.missed(gap))
  subscription.on('error', ({ id, error }) => {
    if (id === null && connection.isAway) return
    if (id !== null && isLive(job.pattern) && desk.failed(id, error)) return
    void tell({ kind: 'failed', id, text: error.message })
  })
  // Told by another process, it ends like one that its parent has told.
  const ended = new Promise<Drained>((done) => subscription.on('drained', done)).then(
    async ({ settled, released, abandoned }) => {
      await desk.close()
      const { unbegun } = desk
      await tell({ kind: 'drained', settled, released, abandoned, unbegun })
      await bus.close()
    },
  )
  // Not awaited here: it may hold messages of a live channel before it is ready to its parent.
  const begun = subscription.ready().then(
    () => tell({ kind: 'ready' }),
    (error) => {
      if (!draining.signal.aborted) throw error
    },
  )
  return {
    ended: Promise.all([begun, ended]).then(() => undefined),
    async drain() {
      draining.abort()
      await subscription.drain({ timeoutMs: outlet.isGone ? 0 : drainMs })
      await ended
    },
  } satisfies ChildWork
})

async function handlerOf(
  { run, channel, tellOutput }: WorkJob,
  tell: Tell,
  outlet: Outlet,
): Promise<Handler<unknown>> {
  if ('exec' in run) {
    // Without it no program may run: the parent starts this process anew.
    const guard = process.platform === 'win32' ? null : startGuard(() => process.exit(1))
    return (body, delivery) => {
      const { id } = delivery.message
      const line = (isError: boolean) => (text: string) =>
        tell({ kind: 'output', id, line: text, isError })
      return runProgram(body as string | Uint8Array, delivery, {
        ...{ command: run.exec, channel, guard },
        onLine: tellOutput ? line(false) : null,
        onErrorLine: line(true),
        outlet,
      })
    }
  }
  const loaded = await loadModule(run.module)
  if (typeof loaded === 'function') return printing(loaded as Handler<unknown>, outlet)
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `--module ${run.module}: expected a function as default export, got ${typeof loaded}`,
    { hint: 'export default async (data, delivery) => { … }' },
  )
}

/** A handler whose words are lost has not done what its output was for. */
function printing(handler: Handler<unknown>, outlet: Outlet): Handler<unknown> {
  outlet.watch()
  return async (data, delivery) => {
    try {
      const verdict = await handler(data, delivery)
      await untilAborted(outlet.written(), delivery.signal)
      if (!outlet.isGone) return verdict
    } catch (error) {
      if (!outlet.isGone) throw error
    }
    return outlet.giveBack(delivery.signal)
  }
}

async function loadModule(path: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default
  } catch (cause) {
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `--module ${path} cannot be loaded: ${(cause as Error).message}`,
      { cause },
    )
  }
}

/** Keeps what is in hand, and tells the parent ten times a second what came to its end. */
class Desk {
  readonly #tell: Tell
  readonly #inHand = new Map<string, { beganMs: number; attempt: number }>()
  readonly #took = new Map<string, { tookMs: number; attempt: number }>()
  readonly #timer: NodeJS.Timeout
  readonly #gaps = new Gaps()
  /** Taken by a live worker, and too late to begin. */
  unbegun = 0
  #settled: Settled[] = []
  #telling: Promise<void> | null = null
  #wasBusy = false

  constructor(tell: Tell) {
    this.#tell = tell
    this.#timer = setInterval(() => void this.#tick(), tickMs)
  }

  async run(handler: Handler<unknown>, data: unknown, delivery: Received<unknown>) {
    const { id } = delivery.message
    const { attempt } = delivery
    while (this.#settled.length >= untoldMax) await this.#tick()
    const beganMs = performance.now()
    this.#inHand.set(id, { beganMs, attempt })
    try {
      return await handler(data, delivery)
    } finally {
      this.#inHand.delete(id)
      this.#took.set(id, { tookMs: performance.now() - beganMs, attempt })
    }
  }

  settled(id: string, kind: Settled['kind'], outcome: Settled['outcome']): void {
    const { tookMs, attempt } = this.#took.get(id) ?? { tookMs: 0, attempt: 1 }
    this.#took.delete(id)
    this.#settled.push({ id, kind, outcome, attempt, tookMs })
  }

  /** Live patterns: that is its end. @returns true where a drain was over before its turn */
  failed(id: string, { code }: NarrowcastError): boolean {
    const hasBegun = this.#took.delete(id) || this.#inHand.has(id)
    if (hasBegun || code !== 'CLOSED') return false
    this.unbegun++
    return true
  }

  missed(gap: Gap): void {
    this.#gaps.add(gap)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#tick()
    await this.#tick()
  }

  /** One at a time: where the parent is slower, the next one says more. */
  #tick(): Promise<void> {
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = null
    })
    return this.#telling
  }

  async #tellAll(): Promise<void> {
    const isBusy = this.#inHand.size > 0
    const isQuiet = this.#settled.length === 0 && this.#gaps.isEmpty
    if (isQuiet && !isBusy && !this.#wasBusy) return
    this.#wasBusy = isBusy
    const settled = this.#settled
    this.#settled = []
    const nowMs = performance.now()
    const now = [...this.#inHand].map(([id, { beganMs }]) => ({ id, forMs: nowMs - beganMs }))
    const gaps = this.#gaps.take()
    await this.#tell({ kind: 'tick', settled, now: now.slice(0, 100), gaps })
  }
}
