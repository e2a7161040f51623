import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { landedOnce, patient, scene } from './lakeHarness.ts'

const count = 60

/** Every file by itself, as whoever opens a folder of them finds it. */
async function counted(dir: string) {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  try {
    const reader = await connection.runAndReadAll(`
      SELECT (SELECT count(*) FROM read_parquet('${dir}/GAME_META/*.parquet')) AS games,
             (SELECT count(DISTINCT n) FROM read_parquet('${dir}/GAME_META/*.parquet')) AS different,
             (SELECT count(*) FROM read_parquet('${dir}/GAME_PODIUM/*.parquet')) AS podium`)
    const [row] = reader.getRowObjectsJson()
    const inTemp = (await readdir(join(dir, '_tmp'))).length
    return {
      games: Number(row?.games),
      different: Number(row?.different),
      podium: Number(row?.podium),
      inTemp,
    }
  } finally {
    connection.closeSync()
  }
}

// The steps of a commit that this layout has; between 4 and 6 the names are given.
test.for([3, 4, 6, 7] as const)(
  'one file per key, killed after step %i: each game is in one file of each table',
  async (step) => {
    await using stage = await scene({ isPerKey: true }, patient)
    await stage.publish(0, count)
    expect(await stage.start({}, `commit:${step}`).ended).toBe('SIGKILL')
    const second = stage.start()
    await second.word('ready')
    await stage.settled()
    second.process.kill('SIGTERM')
    expect(await second.ended).toBe('0')
    const { games, podium } = landedOnce(count)
    expect(await counted(stage.dir)).toEqual({ games, different: games, podium, inTemp: 0 })
    expect(second.recognised > 0).toBe(step === 6)
  },
)
