import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import { connect } from '../../src/connect.ts'
import type { Bus } from '../../src/runtime/api.ts'
import type { Game, WorkerTask, WorkerWord } from './lakeWorker.ts'
import { stopIdle } from './stopIdle.ts'

const program = join(import.meta.dirname, 'lakeWorker.ts')

/** One worker process, as its parent sees it. */
export interface LakeWorker {
  readonly process: ChildProcess
  /** Resolves with the signal or code that ended it. */
  readonly ended: Promise<string>
  /** Resolves at the first word of this kind; rejects when it ends before. */
  word(kind: WorkerWord['kind']): Promise<WorkerWord>
  readonly errors: readonly string[]
  readonly delivered: number
  readonly recognised: number
}

export interface Scene extends AsyncDisposable {
  readonly bus: Bus
  readonly dir: string
  readonly task: WorkerTask
  start(change?: Partial<WorkerTask>, fault?: string): LakeWorker
  publish(from: number, count: number): Promise<void>
  /** Resolves when nothing of the channel waits, is held or is delayed. */
  settled(): Promise<void>
  /** Stops a worker where it holds no lock: else the others wait for it, as they must. */
  freeze(worker: LakeWorker): Promise<void>
  /** Resolves when so many owners were expelled and cleaned up after. */
  expelled(count: number): Promise<void>
}

/** A lease for tests where only who is killed is to end the ownership of a message. */
export const patient = '5s'

/** A `file:` store and a lake beside it, in a temporary folder of their own. */
export async function scene(change: Partial<WorkerTask> = {}, lease = '1s'): Promise<Scene> {
  const root = await mkdtemp(join(tmpdir(), 'narrowcast-lake-'))
  const task: WorkerTask = {
    url: `file:${join(root, 'store')}?lease=${lease}`,
    dir: join(root, 'lake'),
    pattern: 'queue',
    isForgetful: false,
    rowsMax: 2_000,
    ageMsMax: 50,
    heartbeatMs: 100,
    holdAt: null,
    killer: null,
    deliveriesMax: 10,
    isPerKey: false,
    ...change,
  }
  const bus = await connect(task.url)
  const channel = task.pattern === 'queue' ? bus.queue<Game>('games') : bus.stream<Game>('games')
  const workers = new Set<LakeWorker>()
  return {
    bus,
    dir: task.dir,
    task,
    start(mine = {}, fault) {
      const worker = startWorker({ ...task, ...mine }, fault)
      workers.add(worker)
      void worker.ended.then(() => workers.delete(worker))
      return worker
    },
    async publish(from, count) {
      const batch = Array.from({ length: count }, (_, at) => ({
        data: { n: from + at, players: ((from + at) % 3) + 1 },
      }))
      for (const answer of await channel.publishMany(batch)) {
        if (answer instanceof Error) throw answer
      }
    },
    async settled() {
      const pattern = task.pattern
      for (;;) {
        const [depth] = await bus.admin.depths([{ name: 'games', pattern }])
        const { waiting, inFlight, scheduled } = depth ?? {}
        const [group] =
          pattern === 'stream' ? await bus.admin.groups({ name: 'games', pattern }) : []
        const left =
          pattern === 'queue'
            ? [waiting, inFlight, scheduled]
            : [group?.lag ?? 'unknown', group?.inFlight]
        if (left.every((count) => count === 0)) return
        await aMoment()
      }
    },
    freeze({ process: child }) {
      return stopIdle(child, [join(task.dir, '_manifest.sqlite'), join(root, 'store', 'store.db')])
    },
    async expelled(count) {
      const path = join(task.dir, '_manifest.sqlite')
      for (;;) {
        const db = new DatabaseSync(path, { readOnly: true, timeout: 10_000 })
        const row = db.prepare('SELECT count(*) AS n FROM expelled WHERE isClean = 1').get()
        db.close()
        if (Number(row?.n) >= count) return
        await aMoment()
      }
    },
    async [Symbol.asyncDispose]() {
      for (const worker of workers) worker.process.kill('SIGKILL')
      await Promise.all([...workers].map(({ ended }) => ended))
      await bus.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Between two looks at a store that other processes change. */
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 50))

function startWorker(task: WorkerTask, fault: string | undefined): LakeWorker {
  const child = fork(program, [JSON.stringify(task)], {
    env: { ...process.env, ...(fault === undefined ? {} : { NARROWCAST_FAULT: fault }) },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? code))
  const errors: string[] = []
  const worker = { delivered: 0, recognised: 0 }
  const seen = new Map<WorkerWord['kind'], WorkerWord>()
  child.on('message', (word: WorkerWord) => {
    seen.set(word.kind, word)
    if (word.kind === 'error') errors.push(word.code)
    if (word.kind === 'count') Object.assign(worker, word)
    child.emit(`word:${word.kind}`)
  })
  return {
    process: child,
    ended,
    errors,
    get delivered() {
      return worker.delivered
    },
    get recognised() {
      return worker.recognised
    },
    async word(kind) {
      if (!seen.has(kind)) {
        const early = ended.then((how) => {
          throw new Error(`the worker ended with ${how} before it said "${kind}"`)
        })
        await Promise.race([once(child, `word:${kind}`), early])
      }
      return seen.get(kind) as WorkerWord
    },
  }
}

/** What lies in the lake, as DuckDB reads it: other code than the writer's. */
export interface LakeCount {
  readonly games: number
  readonly differentGames: number
  readonly sum: number
  readonly podium: number
  readonly differentPodium: number
  /** Rows whose message or place in it differs from what was published. */
  readonly wrong: number
  readonly dead: number
  readonly inTemp: number
}

export async function countLake(dir: string): Promise<LakeCount> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const rows = {
      GAME_META: await rowsOf(dir, 'GAME_META', 'n INTEGER, game VARCHAR, _row INTEGER'),
      GAME_PODIUM: await rowsOf(dir, 'GAME_PODIUM', 'n INTEGER, rank INTEGER, _row INTEGER'),
    }
    const reader = await connection.runAndReadAll(`
      SELECT (SELECT count(*) FROM ${rows.GAME_META}) AS games,
             (SELECT count(DISTINCT n) FROM ${rows.GAME_META}) AS differentGames,
             (SELECT coalesce(sum(n), 0) FROM ${rows.GAME_META}) AS sum,
             (SELECT count(*) FROM ${rows.GAME_PODIUM}) AS podium,
             (SELECT count(DISTINCT (n, rank)) FROM ${rows.GAME_PODIUM}) AS differentPodium,
             (SELECT count(*) FROM ${rows.GAME_META} WHERE game <> 'game ' || n OR _row <> 0) +
             (SELECT count(*) FROM ${rows.GAME_PODIUM} WHERE _row <> rank) AS wrong`)
    const [row] = reader.getRowObjectsJson()
    const number = (name: string) => Number(row?.[name])
    return {
      games: number('games'),
      differentGames: number('differentGames'),
      sum: number('sum'),
      podium: number('podium'),
      differentPodium: number('differentPodium'),
      wrong: number('wrong'),
      dead: (await names(join(dir, '_dead'))).filter((name) => name.endsWith('.ndjson')).length,
      inTemp: (await names(join(dir, '_tmp'))).length,
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/**
 * The rows of a table, from the files that are there by name: a glob of DuckDB says "no files" for a
 * folder that is gone or cannot be opened as well as for an empty one. Here the first two reject,
 * and a lake where nothing has landed is counted, with its dead letters and temporary files.
 */
async function rowsOf(dir: string, table: string, columns: string): Promise<string> {
  const folder = (await readdir(dir)).includes(table) ? join(dir, table) : null
  const files = (folder === null ? [] : await names(folder)).filter((name) =>
    name.endsWith('.parquet'),
  )
  const list = files.map((name) => `'${folder}/${name}'`).join(', ')
  if (files.length > 0) return `read_parquet([${list}])`
  const nulls = columns.split(', ').map((column) => {
    const [name, type] = column.split(' ')
    return `NULL::${type} AS ${name}`
  })
  return `(SELECT ${nulls.join(', ')} WHERE false)`
}

/** What `countLake` must find when each of so many messages has landed once. */
export function landedOnce(count: number): LakeCount {
  let podium = 0
  for (let n = 0; n < count; n++) podium += (n % 3) + 1
  return {
    games: count,
    differentGames: count,
    sum: (count * (count - 1)) / 2,
    podium,
    differentPodium: podium,
    wrong: 0,
    dead: 0,
    inTemp: 0,
  }
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder, { recursive: true })
}
