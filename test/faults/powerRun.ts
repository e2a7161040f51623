import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import type { Pipeline } from '../../src/pipelines/definePipeline.ts'
import type { Answer, OpenSink, Sink, Staged, Step } from '../../src/pipelines/sink.ts'
import { seededRandom } from '../../src/runtime/random.ts'
import { lay, type Wreck, wrecksOf } from './powerCut.ts'
import type { Deed } from './recordedDisk.ts'

/** Below the folder that is there at first, so that parents of the root are new too. */
export const rootIn = (base: string) => join(base, 'new/folders/root')

/** A sink without a pipeline run around it. */
export function openSink(sink: Sink, pipeline: Pipeline, diesAt?: Step): Promise<OpenSink> {
  return sink.open({
    pipeline,
    worker: 'w-1',
    clock: systemClock,
    signal: new AbortController().signal,
    async step(step) {
      if (step === diesAt) throw new Error('it dies here')
    },
    warn: () => undefined,
    fail: () => undefined,
  })
}

export function staged(id: string, timeMs: number, row: Staged['rows'][number]['row'] | null) {
  const message = { id, key: null, timeMs, headers: {}, bytes: 10 }
  const raw = { data: '{}', message, failures: 0, crashes: 0, redrives: 0 }
  const error = { name: 'Dead', message: 'said', path: '' }
  const whole = {
    raw,
    rows: row === null ? [] : [{ table: 0, row }],
    refusal: row === null ? { cause: 'verdict', error, schema: null } : null,
  }
  return whole as unknown as Staged
}

export const idOf = ({ raw }: Staged) => raw.message.id

/** What a run does with a batch; `acked` is told what goes to the broker. */
export async function land(
  sink: OpenSink,
  batch: readonly Staged[],
  acked: (ids: readonly string[]) => void,
): Promise<void> {
  const told = (answers: readonly Answer[]) =>
    acked(answers.flatMap(({ raw, verdict }) => (verdict.kind === 'ack' ? [raw.message.id] : [])))
  const { fresh, known } = await sink.recognise(batch.map(({ raw }) => raw))
  told(known.answers)
  const rest = batch.filter(({ raw }) => fresh.includes(raw))
  if (rest.length > 0) told((await sink.land(rest)).answers)
}

/** The field `_id` or `id` of each line of each file outside `_tmp`. @throws where a line is torn */
export async function idsIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((one) => one.isFile() && one.name.endsWith('.ndjson'))
    .map((one) => join(one.parentPath, one.name))
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
  return lines
    .map((line) => JSON.parse(line) as { id?: string; _id?: string })
    .map(({ id, _id }) => String(_id ?? id))
    .sort()
}

/** What a power cut is tried on. */
export interface Subject {
  /** All of its deeds lie under this folder. */
  readonly base: string
  readonly seed: number
  readonly all: readonly Staged[]
  /** Starts anew on what a power cut has left. */
  open(root: string): Promise<OpenSink>
  /** What is wrong in the end; null: nothing. */
  wrongIn(root: string): Promise<string | null>
}

/** The first wrong thing that a power cut does to a run with these deeds; null: nothing, ever. */
export async function firstWrong(subject: Subject, deeds: readonly Deed[]) {
  const wrecks = wrecksOf(subject.base, deeds, seededRandom(subject.seed))
  let found: { wrong: string; after: string[] } | null = null
  const look = async () => {
    for (const wreck of wrecks) {
      const wrong = await wrongAfter(subject, wreck)
      if (wrong !== null) found ??= { wrong, after: deeds.slice(0, wreck.at).slice(-5).map(told) }
      if (found !== null) return
    }
  }
  await Promise.all([look(), look(), look()])
  return found
}

const told = (deed: Deed) => `${deed.kind} ${'path' in deed ? deed.path : ''}`

/** A new start, and what was not acknowledged again: then each message has landed once, whole. */
async function wrongAfter({ base, all, open, wrongIn }: Subject, wreck: Wreck) {
  const target = await mkdtemp(join(tmpdir(), 'narrowcast-wreck-'))
  try {
    lay(wreck, base, target, rootIn(base))
    const sink = await open(rootIn(target))
    const acked = new Set(wreck.acked)
    try {
      const rest = all.filter((one) => !acked.has(idOf(one)))
      await land(sink, rest, (ids) => {
        for (const id of ids) acked.add(id)
      })
    } finally {
      await sink.close()
    }
    if (acked.size !== all.length) return `only ${acked.size} are acknowledged in the end`
    const ids = (await idsIn(rootIn(target))).join()
    return ids === all.map(idOf).sort().join() ? await wrongIn(rootIn(target)) : `landed: ${ids}`
  } catch (error) {
    return String(error)
  } finally {
    await rm(target, { recursive: true })
  }
}
