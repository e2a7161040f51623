import { connect } from '../../connect.ts'
import { asNarrowcastError, type NarrowcastError } from '../../core/errors.ts'
import { type PipelineRun, runPipeline } from '../../pipelines/index.ts'
import { serveParent, type Tell } from '../children/child.ts'
import { type ConnectionEvent, ConnectionWatch, connectPatiently } from '../connectionWatch.ts'
import { pipelineOf, sinkOf } from './build.ts'
import { drainMs, type IngestEvent, type IngestJob } from './job.ts'

const statsMs = 200

// What a pipeline prints is not what it is for: where nobody reads that any more it goes on landing.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

serveParent<IngestJob, IngestEvent>(async (job, name, tell) => {
  const pipeline = await pipelineOf(job)
  const tellConnection = (event: ConnectionEvent) => void tell(event)
  const open = () => connect(job.url, { config: job.config, name })
  const bus = await connectPatiently(open, tellConnection)
  const connection = new ConnectionWatch(bus, tellConnection)
  const stopping = new AbortController()
  const { signal } = stopping
  // A live channel hands over messages before the run has begun: what came by then is landed too.
  const starting = runPipeline(pipeline, bus, {
    to: sinkOf(job),
    name,
    signal,
    ...(job.pattern === null ? {} : { pattern: job.pattern }),
    ...(job.as === null ? {} : { as: job.as }),
    ...(job.group === null ? {} : { group: job.group }),
  })
  const begun = starting.catch((error) => {
    if (signal.aborted && asNarrowcastError(error).code === 'ABORTED') return null
    throw error
  })
  const ended = begun.then(async (run) => {
    if (run) await toTheEnd(run, tell, connection)
    await bus.close()
  })
  return {
    ended,
    async drain() {
      stopping.abort()
      const run = await begun
      await run?.drain({ timeoutMs: drainMs })
      await ended
    },
  }
})

async function toTheEnd(
  run: PipelineRun,
  tell: Tell<IngestEvent>,
  connection: ConnectionWatch,
): Promise<void> {
  tellEvents(run, tell, connection)
  void tell({ kind: 'ready' })
  const tellStats = () => tell({ kind: 'stats', stats: run.stats() })
  const timer = setInterval(() => void tellStats(), statsMs)
  try {
    await run.closed
  } finally {
    clearInterval(timer)
    await tellStats()
  }
}

function tellEvents(run: PipelineRun, tell: Tell<IngestEvent>, connection: ConnectionWatch): void {
  run.on('commit', ({ ids, deadIds, ...landed }) => {
    const counts = { messages: ids.length, dead: deadIds.length }
    void tell({ kind: 'commit', landed: { ...landed, ...counts } })
  })
  run.on('dead', ({ id, cause, error }) => {
    const where = error.path === '' ? '' : ` at ${error.path}`
    void tell({ kind: 'dead', id, cause, reason: `${error.name}: ${error.message}${where}` })
  })
  run.on('delivered', (all) => {
    for (const { id, failures } of all) if (failures > 0) void tell({ kind: 'retaken', id })
  })
  run.on('retried', ({ id, error }) => void tell({ kind: 'retried', id, text: error.message }))
  // At first come the errors of its beginning: an outage of then was told while it lasted.
  let isBeginning = true
  setImmediate(() => {
    isBeginning = false
  })
  run.on('error', ({ error }) => {
    const isOver = isBeginning && connection.wasAway && isOfConnection(error)
    if (!connection.isAway && !isOver) void tell({ kind: 'error', text: error.message })
  })
}

/** In the words of a driver: what was missed meanwhile is an error of ours. */
function isOfConnection({ code, driver }: NarrowcastError): boolean {
  return driver !== null && (code === 'CONNECTION_LOST' || code === 'CONNECT_FAILED')
}
