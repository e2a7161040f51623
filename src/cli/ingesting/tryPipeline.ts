import { systemClock } from '../../core/clock.ts'
import type { Stored } from '../../core/driver.ts'
import type { Pipeline } from '../../pipelines/index.ts'
import type { Raw } from '../../pipelines/sink.ts'
import { Stage, type StageResult } from '../../pipelines/stage.ts'
import { harmless } from '../output/displayWidth.ts'

export interface Tried {
  readonly messages: number
  readonly rows: Readonly<Record<string, number>>
  readonly skipped: number
  readonly retried: number
  readonly dead: number
  /** The first of them. */
  readonly problems: readonly { readonly id: string; readonly text: string }[]
}

const problemsMax = 20
const deliveriesMax = 10

/** Runs a pipeline over messages that were only looked at. Nothing is written, nothing settled. */
export async function tryPipeline(pipeline: Pipeline, stored: readonly Stored[]): Promise<Tried> {
  const { signal } = new AbortController()
  const stage = new Stage(pipeline, { attempts: 2, deliveriesMax }, systemClock, signal)
  const rows = Object.fromEntries(pipeline.tables.map(({ name }) => [name, 0]))
  const counts = { skipped: 0, retried: 0, dead: 0 }
  const problems: { id: string; text: string }[] = []
  for (const one of stored) {
    const result = await stage.stage(asDelivery(one, signal))
    if (result.kind === 'skipped') counts.skipped++
    else if (result.kind === 'retry') counts.retried++
    else if (result.kind === 'staged') {
      if (result.staged.refusal) counts.dead++
      for (const { table } of result.staged.rows) {
        const { name } = pipeline.tables[table] as (typeof pipeline.tables)[number]
        rows[name] = (rows[name] ?? 0) + 1
      }
    }
    const text = problemOf(result)
    if (text !== null && problems.length < problemsMax) problems.push({ id: one.message.id, text })
  }
  return { messages: stored.length, rows, ...counts, problems }
}

function problemOf(result: StageResult): string | null {
  if (result.kind === 'retry') return harmless(result.error.message)
  if (result.kind !== 'staged' || !result.staged.refusal) return null
  const { error, schema } = result.staged.refusal
  const where = [schema, error.path].filter((one) => one !== null && one !== '').join(' ')
  return harmless(`${error.message}${where === '' ? '' : ` (${where})`}`)
}

/** A first delivery of it. */
function asDelivery({ message, redrives }: Stored, signal: AbortSignal): Raw {
  const { body, ...facts } = message
  return {
    data: body,
    message: facts,
    attempt: 1,
    failures: 0,
    crashes: 0,
    redrives,
    signal,
    settle: () => Promise.reject(new Error('a message that was only looked at cannot be settled')),
  }
}
