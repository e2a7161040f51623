import { existsSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { ChannelRef } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import { openSource } from '../children/sourceChannel.ts'
import { connectTo, existingChannel } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import { encoderOf, parseRoll, pipelineOf, sinkOf } from '../ingesting/build.ts'
import type { IngestJob } from '../ingesting/job.ts'
import { checkLakeFile, checkLanding } from '../ingesting/lakeFolder.ts'
import { runIngest } from '../ingesting/run.ts'
import { tryPipeline } from '../ingesting/tryPipeline.ts'
import type { Invocation, Run } from '../invocation.ts'
import { parseUntil } from '../messages/place.ts'
import { countOf, showBytes, showCount } from '../output/quantities.ts'

const dirDefault = './lake'
const keyDefault = '_id'

/** `ingest FILE|CHANNEL` */
export const ingest: Run = async (invocation) => {
  const { flags, output, clock, folder } = invocation
  const count = flags.whole('workers', { min: 1, max: 256 }) ?? 1
  const untilWord = flags.text('until')
  const until = untilWord === undefined ? null : parseUntil('--until', untilWord, clock.wallMs())
  const options = jobOptions(invocation)
  const source = sourceOf(invocation)
  const pipeline = await pipelineOf({ source, pattern: options.pattern })
  const tables = pipeline.tables.map(({ name }) => name).join(', ')
  const below = relative(folder, options.dir)
  const shownDir = below.startsWith('..') ? options.dir : `./${below}`
  const sink = sinkOf({ ...options, url: '', config: {}, source })
  const name = options.as ?? pipeline.name
  const line = `ingest ${name}: ${pipeline.channel.name} -> ${shownDir}   ${tables}   ${options.format ?? 'parquet'}, ${sink.kind === 'lake' ? 'dataset' : 'one file per key'}`
  const isPerKey = sink.kind === 'per-key'
  const notes = await checkLanding({
    ...{ root: options.dir, tables: pipeline.tables, isPerKey },
    extension: encoderOf(options.format).extension,
  })
  for (const note of notes) output.warn(note)
  if (await isDryRun(invocation, `would run ${count} workers: ${line}`)) return
  const declared = 'file' in source ? pipeline.channel.pattern : null
  await using from = await openSource(invocation, pipeline.channel.name, { declared })
  const { connected, channel } = from
  if (until === 'end' && isLive(channel.pattern)) throw endless(channel)
  const job: IngestJob = {
    ...options,
    pattern: channel.pattern,
    source,
    url: connected.url,
    config: connected.settings.config,
  }
  output.note(`${line}   Ctrl-C to finish`)
  await runIngest(invocation, connected, { job, pipeline, count, until })
  if (sink.kind === 'lake') output.next(`narrowcast ingest verify --dir ${shownDir}`)
}

function endless({ name, pattern }: ChannelRef): NarrowcastError {
  const text = `--until end: ${pattern} "${name}" keeps nothing, so it has no end`
  const hint = 'Say how long: --until 10m, or end it with Ctrl-C.'
  return new NarrowcastError('INVALID_ARGUMENT', text, { channel: name, hint })
}

/** A file, where one is there or the word looks like one; else a channel. */
function sourceOf({ args, folder }: Invocation): IngestJob['source'] {
  const word = args[0] as string
  const path = resolve(folder, word)
  if (existsSync(path) && statSync(path).isFile()) return { file: path }
  if (!/\.[cm]?[jt]s$/.test(word) && !word.includes('/')) return { channel: word }
  throw new NarrowcastError('NOT_FOUND', `ingest: there is no file ${path}`)
}

function jobOptions({ flags, folder }: Invocation): Omit<IngestJob, 'url' | 'config' | 'source'> {
  const layout = flags.text('layout') ?? 'dataset'
  const [kind, key, ...rest] = layout.split(':')
  if (
    rest.length > 0 ||
    (kind !== 'dataset' && kind !== 'per-key') ||
    (kind === 'dataset' && key !== undefined)
  ) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `--layout: expected dataset or per-key[:FIELD], got ${JSON.stringify(layout)}`,
    )
  }
  const preset = flags.text('preset') ?? null
  if (preset !== null && preset !== 'py-superhero') {
    throw new NarrowcastError('INVALID_ARGUMENT', `--preset: unknown ${JSON.stringify(preset)}`, {
      hint: 'Known is py-superhero',
    })
  }
  const exclusive = (flags.text('exclusive') as 'key' | 'worker' | undefined) ?? null
  const isPerKey = kind === 'per-key'
  for (const [flag, isWrong] of [
    ['exclusive', !isPerKey && exclusive !== null],
    ['preset', !isPerKey && preset !== null],
    ['roll', isPerKey && flags.isSet('roll')],
  ] as const) {
    if (!isWrong) continue
    const needed = isPerKey ? 'dataset' : 'per-key'
    throw new NarrowcastError('INVALID_ARGUMENT', `--${flag} belongs to --layout ${needed}`)
  }
  return {
    pattern: (flags.text('pattern') as Pattern | undefined) ?? null,
    as: flags.text('as') ?? null,
    group: flags.text('group') ?? null,
    dir: resolve(folder, flags.text('dir') ?? dirDefault),
    format: (flags.text('to') as 'parquet' | 'ndjson' | undefined) ?? null,
    layout: isPerKey ? { key: key ?? keyDefault } : null,
    exclusive,
    preset,
    roll: parseRollFlag(flags.text('roll')),
  }
}

function parseRollFlag(text: string | undefined): IngestJob['roll'] {
  return text === undefined ? {} : parseRoll(text)
}

/** `ingest verify`: every file against the manifest. Exit 8 where something is wrong. */
export const verify: Run = async ({ flags, output, folder }) => {
  const { verify: verifyLake } = await import('../../pipelines/lake/verify.ts')
  const root = resolve(folder, flags.text('dir') ?? dirDefault)
  checkLakeFile(root)
  const found = await verifyLake(root)
  const { isClean, commits, messages, dead, files, bytes, rows } = found
  const { missing, changed, unpublished, orphans, taken } = found
  const { look } = output
  const problems = [
    ...missing.map((path) => `missing      ${path}`),
    ...changed.map(({ path, what }) => `changed      ${path}   ${what}`),
    ...unpublished.map((path) => `unpublished  ${path}   the next worker to start moves it`),
    ...orphans.map((path) => `orphan       ${path}   named by no commit`),
  ]
  // No damage: dead letters are people's to take away.
  const gone = taken.map((path) => `taken        ${path}   dead letters that somebody took away`)
  await output.answer({
    type: 'ingest.verify',
    fields: {
      clean: isClean,
      commits,
      messages,
      dead,
      files,
      bytes,
      rows,
      missing,
      changed,
      unpublished,
      orphans,
      taken,
    },
    lines: () => [
      `${isClean ? look.paint('green', look.ok) : look.paint('red', look.bad)} ${countOf(commits, 'commit')}, ${countOf(messages, 'message')} (${showCount(dead)} dead), ${countOf(files, 'file')}, ${showBytes(bytes)}`,
      ...Object.entries(rows).map(([table, count]) => `  ${table}  ${countOf(count, 'row')}`),
      ...problems,
      ...gone,
    ],
  })
  return isClean ? 0 : 8
}

/** `ingest check FILE`: what the pipeline would make of messages as they lie there. */
export const check: Run = async (invocation) => {
  const { args, flags, folder, output } = invocation
  const pipeline = await pipelineOf({
    source: { file: resolve(folder, args[0] as string) },
    pattern: null,
  })
  await using connected = await connectTo(invocation, { look: true })
  const channel = await existingChannel(invocation, connected, pipeline.channel.name)
  const last = flags.whole('last', { min: 1, max: 1_000 }) ?? 100
  const page = await connected.bus.admin.peek(channel, {
    from: 'first',
    newestFirst: true,
    cursor: null,
    limit: last,
  })
  const tried = await tryPipeline(pipeline, page.items)
  const { look } = output
  await output.answer({
    type: 'ingest.check',
    fields: { pipeline: pipeline.name, channel: channel.name, ...tried },
    lines: () => [
      `${pipeline.name}: ${countOf(tried.messages, 'message')} of ${channel.name}, nothing written`,
      ...Object.entries(tried.rows).map(([table, count]) => `  ${table}  ${countOf(count, 'row')}`),
      `  skipped ${showCount(tried.skipped)}, would be retried ${showCount(tried.retried)}, would be dead ${showCount(tried.dead)}`,
      ...tried.problems.map(({ id, text }) => `${look.bad} ${id}  ${text}`),
    ],
  })
  return tried.dead + tried.retried > 0 ? 2 : 0
}
