import { rm } from 'node:fs/promises'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import { parquet } from '../../src/pipelines/encoders/parquet.ts'
import { everyType, everyValue } from './everyType.ts'

/** The committed files by name, and what writes them. */
export const goldenFiles = {
  'everyType-zstd.parquet': parquet({ compression: 'zstd', rowsPerGroup: 20 }),
  'everyType-gzip.parquet': parquet({ compression: 'gzip', rowsPerGroup: 20 }),
  'everyType-none.parquet': parquet({ compression: 'none', rowsPerGroup: 20 }),
  'everyType.ndjson.zst': ndjson({ compression: 'zstd' }),
  'everyType.ndjson.gz': ndjson({ compression: 'gzip' }),
  'everyType.ndjson': ndjson({ compression: 'none' }),
}

/** Writes one of them anew. Run as a program, all of them, after a wanted change of the format. */
export async function writeGolden(name: keyof typeof goldenFiles, path: string): Promise<void> {
  await rm(path, { force: true })
  await using file = await goldenFiles[name].open(path, everyType)
  await file.append(everyValue)
  await file.finish()
}

if (import.meta.main) {
  for (const name of Object.keys(goldenFiles) as (keyof typeof goldenFiles)[]) {
    await writeGolden(name, `${import.meta.dirname}/${name}`)
  }
}
