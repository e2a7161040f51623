import { connect } from '../../src/connect.ts'
import { definePipeline } from '../../src/pipelines/definePipeline.ts'
import type { Table } from '../../src/pipelines/defineTable.ts'
import { lake } from '../../src/pipelines/lake/lake.ts'
import { perKey } from '../../src/pipelines/perKey/perKey.ts'
import { runPipeline } from '../../src/pipelines/runPipeline.ts'
import type { Step } from '../../src/pipelines/sink.ts'

/** What a worker process of the fault tests is told, as JSON in its first argument. */
export interface WorkerTask {
  readonly url: string
  readonly dir: string
  readonly pattern: 'queue' | 'stream'
  /** Each worker under a name of its own remembers nothing of the others: dedupe off. */
  readonly isForgetful: boolean
  readonly rowsMax: number
  readonly ageMsMax: number
  readonly heartbeatMs: number
  /** Tells the parent at this step and waits there for its word. */
  readonly holdAt: Step | null
  /** The message that kills whoever transforms it. */
  readonly killer: number | null
  readonly deliveriesMax: number
  /** One file per game and table instead of a lake. */
  readonly isPerKey: boolean
}

/** What it tells, by IPC. */
export type WorkerWord =
  | { readonly kind: 'ready' }
  | { readonly kind: 'held' }
  | { readonly kind: 'count'; readonly delivered: number; readonly recognised: number }
  | { readonly kind: 'error'; readonly code: string }

export interface Game {
  readonly n: number
  readonly players: number
}

const validate = (value: unknown) => ({ value })
const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
const meta: Table<{ n: number; game: string }> = {
  name: 'GAME_META',
  key: ['n'],
  schema,
  columns: [
    { name: 'n', type: 'int32', nullable: false },
    { name: 'game', type: 'string', nullable: false },
  ],
}
const podium: Table<{ n: number; rank: number }> = {
  name: 'GAME_PODIUM',
  key: ['n', 'rank'],
  schema,
  columns: [
    { name: 'n', type: 'int32', nullable: false },
    { name: 'rank', type: 'uint8', nullable: false },
  ],
}

const commitSteps = [
  'filled',
  'recognised',
  'staged',
  'written',
  'committed',
  'renamed',
  'settled',
  'published',
] as const
const recoverSteps = ['expelled', 'replaced', 'cleaned'] as const

/** NARROWCAST_FAULT=commit:5 dies right after the fifth step of a commit, recover:1 in a recovery. */
function faultStep(): Step | null {
  const [kind, n] = (process.env.NARROWCAST_FAULT ?? '').split(':')
  const steps: readonly Step[] = kind === 'recover' ? recoverSteps : commitSteps
  return kind ? (steps[Number(n) - 1] ?? null) : null
}

function tell(word: WorkerWord): void {
  if (process.connected) process.send?.(word)
}

const task = JSON.parse(process.argv[2] as string) as WorkerTask
const diesAt = faultStep()
const gone = new AbortController()
let isHeld = false
process.on('disconnect', () => process.exit(0)) // the test has ended
process.channel?.unref()
process.on('SIGTERM', () => gone.abort())

const pipeline = definePipeline({
  name: 'games',
  channel: { name: 'games', pattern: task.pattern },
  tables: [meta, podium],
  transform(data, { emit }) {
    const { n, players } = data as Game
    if (n === task.killer) process.kill(process.pid, 'SIGKILL')
    emit(meta, { n, game: `game ${n}` })
    for (let rank = 1; rank <= players; rank++) emit(podium, { n, rank })
  },
})

process.on('uncaughtException', (error) => {
  if (gone.signal.aborted) process.exit(0) // told to end before it had begun
  throw error
})

await using bus = await connect(task.url)
const folder = () =>
  lake(task.dir, {
    rowsMax: task.rowsMax,
    ageMsMax: task.ageMsMax,
    heartbeatMs: task.heartbeatMs,
    holdMax: 5_000,
    deliveriesMax: task.deliveriesMax,
  })
const run = await runPipeline(pipeline, bus, {
  to: task.isPerKey ? perKey(task.dir, { key: 'n' }) : folder(),
  ...(task.pattern === 'stream' && { group: 'games' }),
  ...(task.isForgetful && { as: `games-${process.pid}` }),
  signal: gone.signal,
  async onStep(step) {
    if (step === diesAt) process.kill(process.pid, 'SIGKILL')
    if (isHeld || step !== task.holdAt) return
    isHeld = true
    tell({ kind: 'held' })
    await new Promise((resolve) => process.once('message', resolve))
  },
})
const count = () => {
  const { delivered, recognised } = run.stats()
  tell({ kind: 'count', delivered, recognised })
}
run.on('delivered', count)
run.on('recognised', count)
run.on('error', ({ error }) => tell({ kind: 'error', code: error.code }))
tell({ kind: 'ready' })
await run.closed
count()
