import { connect } from '../../connect.ts'
import { asNarrowcastError } from '../../core/errors.ts'
import { perKey } from '../../pipelines/perKey/perKey.ts'
import { runPipeline } from '../../pipelines/runPipeline.ts'
import { games } from '../../simulator/tables.ts'
import { ackBeforeWrite, type Gate, gated } from './source.ts'
import type { WorkerHears, WorkerSays, WorkerSettings } from './words.ts'

/** One game is being written, the next one may wait: so a held worker holds two. */
const holdMax = 2
const drainMs = 5_000

const settings = JSON.parse(process.argv[2] ?? '') as WorkerSettings
let isToHold = false
const gate: Gate = { isShut: false, opened: Promise.resolve() }
let open = () => {}

function shut(): void {
  const opening = Promise.withResolvers<void>()
  open = opening.resolve
  gate.isShut = true
  gate.opened = opening.promise
}

function reopen(): void {
  gate.isShut = false
  open()
}

function say(what: WorkerSays): void {
  // Where the demo is gone nobody hears it; 'disconnect' ends the process.
  if (process.connected) process.send?.(what, () => {})
}

/** The point between a write and its ack, where the demo may kill. */
async function holdAfterWrite(ids: readonly string[]): Promise<void> {
  if (!isToHold) return
  isToHold = false
  say({ type: 'held', ids })
  // The IPC channel keeps the process alive; only SIGKILL, or the demo's end, ends this.
  await new Promise<never>(() => {})
}

async function work(): Promise<void> {
  await using bus = await connect(settings.url, { name: settings.name })
  const isBuggy = settings.bug === 'ack-before-write'
  const source = gated(isBuggy ? ackBeforeWrite(bus, acked) : bus, gate)
  const run = await runPipeline(games, source, {
    to: perKey(settings.dir, { key: 'game_token', exclusive: 'key', holdMax }),
    name: settings.name,
    onStep: (step, { ids }) => (step === 'renamed' ? holdAfterWrite(ids) : undefined),
  })
  run.on('delivered', (deliveries) =>
    say({ type: 'delivered', ids: deliveries.map(({ id }) => id) }),
  )
  run.on('commit', ({ ids }) => say({ type: 'written', ids }))
  run.on('recognised', ({ ids }) => say({ type: 'recognised', ids }))
  run.on('dead', ({ id, error }) => say({ type: 'dead', id, reason: error.message }))
  run.on('settled', ({ id, as, outcome }) => {
    if (!isBuggy && as !== 'dead' && outcome !== 'late' && outcome !== 'failed') acked(id)
  })
  run.on('error', ({ error: { code, message } }) => say({ type: 'trouble', code, message }))
  process.on('message', (message: WorkerHears) => {
    if (message.type === 'hold') isToHold = true
    else if (message.type === 'aside') shut()
    else reopen()
    if (message.type === 'stop') void run.drain({ timeoutMs: drainMs })
  })
  say({ type: 'ready' })
  await run.closed
}

function acked(id: string): void {
  say({ type: 'acked', id, atMs: Date.now() })
}

// Ctrl-C reaches the whole group; the demo decides. Without the demo nothing may be left running.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(0))

try {
  await work()
  say({ type: 'done' })
} catch (error) {
  const { code, message } = asNarrowcastError(error)
  say({ type: 'trouble', code, message })
  process.exitCode = 1
}
if (process.connected) process.disconnect()
