import { pathToFileURL } from 'node:url'
import { NarrowcastError } from '../../core/errors.ts'
import { parseBytes, parseDurationMs } from '../../core/url.ts'
import {
  type Encoder,
  lake,
  messagesPipeline,
  ndjson,
  type Pipeline,
  parquet,
  perKey,
  type Sink,
} from '../../pipelines/index.ts'
import type { IngestJob, Roll } from './job.ts'

/** The most that `lake` takes as `holdMax`. */
const holdMaxOfLake = 1_000_000

/** The pipeline that a job names. @throws INVALID_CONFIG where the file holds none, or several. */
export async function pipelineOf({
  source,
  pattern,
}: Pick<IngestJob, 'source' | 'pattern'>): Promise<Pipeline> {
  if ('channel' in source) {
    return messagesPipeline({ name: source.channel, ...(pattern === null ? {} : { pattern }) })
  }
  const module = await load(source.file)
  if (isPipeline(module.default)) return module.default
  const found = Object.values(module).filter(isPipeline)
  if (found.length === 1) return found[0] as Pipeline
  const names = found.map(({ name }) => name).join(', ')
  throw new NarrowcastError(
    'INVALID_CONFIG',
    found.length === 0
      ? `${source.file} exports no pipeline`
      : `${source.file} exports several pipelines: ${names}`,
    {
      hint:
        found.length === 0
          ? 'export const games = definePipeline({ … })'
          : 'Make the one that is meant the default export.',
    },
  )
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (cause) {
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `${file} cannot be loaded: ${(cause as Error).message}`,
      { cause },
    )
  }
}

function isPipeline(value: unknown): value is Pipeline {
  if (typeof value !== 'object' || value === null) return false
  const { name, channel, tables, transform } = value as Partial<Pipeline>
  return (
    typeof name === 'string' &&
    typeof channel === 'object' &&
    Array.isArray(tables) &&
    typeof transform === 'function'
  )
}

/** Where the job lands. @throws INVALID_ARGUMENT, naming option and range. */
export function sinkOf({ dir, format, layout, exclusive, preset, roll }: IngestJob): Sink {
  const encoder = format === null ? {} : { format: encoderOf(format) }
  if (layout === null) return lake(dir, { ...encoder, ...roll, ...holdOf(roll) })
  return perKey(dir, {
    key: layout.key,
    ...encoder,
    ...(exclusive === null ? {} : { exclusive }),
    ...(preset === null ? {} : { preset }),
  })
}

/** What `--to` names; without it Parquet. */
export function encoderOf(format: IngestJob['format']): Encoder {
  return format === 'ndjson' ? ndjson() : parquet()
}

/**
 * While one roll commits, the next one fills: more in hand would only be kept from other workers,
 * and come back after a crash. Bytes are held to two rolls by the pipeline.
 */
function holdOf({ rowsMax }: Roll): { readonly holdMax?: number } {
  return rowsMax === undefined ? {} : { holdMax: Math.min(2 * rowsMax, holdMaxOfLake) }
}

/** `30s,32MB,50000`: an age, a size, a number of rows, each at most once. */
export function parseRoll(text: string): Roll {
  const roll: { ageMsMax?: number; bytesMax?: number; rowsMax?: number } = {}
  for (const part of text.split(',').map((one) => one.trim())) {
    const [name, value] = /^\d+$/.test(part)
      ? (['rowsMax', Number(part)] as const)
      : part.endsWith('B')
        ? (['bytesMax', Math.floor(parseBytes('--roll', part))] as const)
        : (['ageMsMax', parseDurationMs('--roll', part)] as const)
    if (roll[name] !== undefined) {
      throw new NarrowcastError(
        'INVALID_CONFIG',
        `--roll ${text}: ${part} says ${name} a second time`,
      )
    }
    roll[name] = value
  }
  return roll
}
