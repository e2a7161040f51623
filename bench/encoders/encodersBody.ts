import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import {
  createGunzip,
  createZstdDecompress,
  gzipSync,
  constants as zlib,
  zstdCompressSync,
} from 'node:zlib'
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import { parquet } from '../../src/pipelines/encoders/parquet.ts'
import { encodingElements, schemaElements } from '../../src/pipelines/encoders/parquetSchema.ts'
import { physical } from '../../src/pipelines/encoders/physical.ts'
import type { Row } from '../../src/pipelines/schema/columnTypes.ts'
import { rowCheck } from '../../src/pipelines/schema/rowCheck.ts'
import { gameRows, marked, podium } from './rows.ts'

/** What a run of one side, in a process of its own, reports to its parent. */
export interface SideReport {
  readonly rowsPerSecond: number
  readonly lost: number
  readonly megabytes: number
  readonly rssMb: number
  readonly longestStopMs: number
}

/** One batch of a sink, taken several times. */
const batchRows = 50_000
const { rows, marks } = gameRows(batchRows)
const check = rowCheck(podium)

/** As many as a pipeline checks between two turns of the event loop. */
const sliceRows = 1_000

function checked(from = 0, to = batchRows): Row[] {
  return rows.slice(from, to).map((row, at) => {
    const result = check(row)
    if ('fault' in result) throw new Error(`${result.fault.path}: ${result.fault.message}`)
    return { ...result.row, ...marks[from + at] }
  })
}

const encoders = {
  'parquet zstd': parquet(),
  'parquet gzip': parquet({ compression: 'gzip' }),
  'parquet none': parquet({ compression: 'none' }),
  'ndjson zstd': ndjson(),
  'ndjson gzip': ndjson({ compression: 'gzip' }),
  'ndjson none': ndjson({ compression: 'none' }),
} as const

async function ours(
  name: keyof typeof encoders,
  path: string,
  batches: number,
  withCheck: boolean,
) {
  const ready = withCheck ? null : checked()
  return timed(batches, async () => {
    await using file = await encoders[name].open(path, marked)
    for (let batch = 0; batch < batches; batch++) {
      if (ready) await file.append(ready)
      else {
        for (let from = 0; from < batchRows; from += sliceRows) {
          await file.append(checked(from, from + sliceRows))
        }
      }
    }
    await file.finish()
  })
}

/** The package alone, on columns that are ready: no check, no rows, no sync. */
async function bare(codec: 'ZSTD' | 'GZIP', path: string, batches: number) {
  const cells = checked()
  const columnData = marked.columns.map(({ name, type }) => {
    const convert = physical(type)
    return { name, data: cells.map((row) => (convert ? convert(row[name] ?? null) : row[name])) }
  })
  const params = { [zlib.ZSTD_c_compressionLevel]: 3 }
  return timed(batches, async () => {
    const writer = new ParquetWriter({
      writer: fileWriter(path),
      schema: encodingElements(schemaElements(marked)),
      codec,
      compressors: {
        ZSTD: (page) => zstdCompressSync(page, { params }),
        GZIP: (page) => gzipSync(page, { level: 6 }),
      },
    })
    for (let batch = 0; batch < batches; batch++) {
      await writer.write({ columnData, rowGroupSize: 5_000 })
    }
    await writer.finish()
  })
}

async function timed(batches: number, work: () => Promise<void>) {
  let longestStopMs = 0
  let lastMs = performance.now()
  let isRunning = true
  const tick = () => {
    const nowMs = performance.now()
    longestStopMs = Math.max(longestStopMs, nowMs - lastMs)
    lastMs = nowMs
    if (isRunning) setImmediate(tick)
  }
  setImmediate(tick)
  const startMs = performance.now()
  await work()
  const rowsPerSecond = ((batches * batchRows) / (performance.now() - startMs)) * 1_000
  isRunning = false
  return { rowsPerSecond, longestStopMs }
}

async function rowsIn(path: string): Promise<number> {
  if (path.endsWith('.parquet')) {
    return Number((await parquetMetadataAsync(await asyncBufferFromFile(path))).num_rows)
  }
  const bytes = Readable.from([await readFile(path)])
  const unpack = path.endsWith('.zst')
    ? createZstdDecompress()
    : path.endsWith('.gz')
      ? createGunzip()
      : null
  let lines = 0
  for await (const _ of createInterface({ input: unpack ? bytes.pipe(unpack) : bytes })) lines++
  return lines
}

async function run(side: string, batches: number, folder: string): Promise<SideReport> {
  const [name, how] = side.split(', ') as [keyof typeof encoders, string | undefined]
  const isBare = how === 'bare'
  const path = join(folder, isBare ? 'x.parquet' : `x${encoders[name].extension}`)
  const measured = isBare
    ? await bare(name === 'parquet gzip' ? 'GZIP' : 'ZSTD', path, batches)
    : await ours(name, path, batches, how === 'with check')
  const megabytes = (await stat(path)).size / 1e6
  const rssMb = process.resourceUsage().maxRSS / 1_024
  const lost = batches * batchRows - (await rowsIn(path))
  await rm(path)
  return { ...measured, lost, megabytes, rssMb }
}

const [side = '', batchesText = '1'] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'narrowcast-bench-'))
try {
  if (side === 'nothing') {
    checked()
    process.send?.({ rssMb: process.resourceUsage().maxRSS / 1_024 })
  } else {
    await run(side, 1, folder)
    process.send?.(await run(side, Number(batchesText), folder))
  }
} finally {
  await rm(folder, { recursive: true })
}
