import { connect } from '../../connect.ts'
import { runPipeline } from '../../pipelines/index.ts'
import { serveParent } from '../children/child.ts'
import { pipelineOf, sinkOf } from './build.ts'
import { drainMs, type IngestEvent, type IngestJob } from './job.ts'

const statsMs = 200

serveParent<IngestJob, IngestEvent>(async (job, name, tell) => {
  const pipeline = await pipelineOf(job)
  const bus = await connect(job.url, { config: job.config, name })
  const run = await runPipeline(pipeline, bus, {
    to: sinkOf(job),
    name,
    ...(job.pattern === null ? {} : { pattern: job.pattern }),
    ...(job.as === null ? {} : { as: job.as }),
    ...(job.group === null ? {} : { group: job.group }),
  })
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
  run.on('error', ({ error }) => void tell({ kind: 'error', text: error.message }))
  void tell({ kind: 'ready' })
  const timer = setInterval(() => void tell({ kind: 'stats', stats: run.stats() }), statsMs)
  return {
    ended: run.closed,
    async drain() {
      await run.drain({ timeoutMs: drainMs })
      clearInterval(timer)
      await tell({ kind: 'stats', stats: run.stats() })
      await bus.close()
    },
  }
})
