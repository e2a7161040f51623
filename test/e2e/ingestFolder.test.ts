import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { tmpfs } from '../brokers/file/mount.ts'
import { cliWorld, ndjson, type World } from './cliRun.ts'

async function landed(world: World, ...options: string[]): Promise<void> {
  await world.run(['publish', 'games', '--ndjson'], { input: ndjson(20) })
  const { code, stderr } = await world.run(['ingest', 'games', ...options, '--until', 'end'])
  expect([code, stderr]).toEqual([0, expect.any(String)])
}

it('verify tells a broken, a newer and a missing _lake.json', async () => {
  using world = cliWorld()
  await landed(world)
  const path = join(world.folder, 'lake/_lake.json')
  const verify = () => world.run(['ingest', 'verify'])
  expect((await verify()).code).toBe(0)
  for (const [text, found] of [
    ['{"form', '"{\\"form"'],
    ['{"format":2}', 'found 2'],
    ['null', '"null"'],
  ] as const) {
    writeFileSync(path, text)
    const { code, stdout, stderr } = await verify()
    expect([code, stdout], text).toEqual([3, ''])
    expect(stderr).toContain('_lake.json: expected format 1')
    expect(stderr).toContain(found)
  }
  rmSync(path)
  expect(await verify()).toMatchObject({
    ...{ code: 8, stderr: expect.stringContaining('_lake.json is gone') },
  })
  await landed(world)
  expect((await verify()).code).toBe(0)
})

it.for([
  [[], ['--to', 'ndjson'], '.parquet, this would write *.ndjson.zst'],
  [['--to', 'ndjson'], [], '.ndjson.zst, this would write *.parquet'],
  [['--layout', 'per-key'], ['--layout', 'per-key', '--to', 'ndjson'], 'this would write'],
  [[], ['--layout', 'per-key'], 'is a lake of datasets'],
  [['--layout', 'per-key'], [], 'a file per key; --layout says dataset'],
] as const)('a folder that took %j refuses %j at the start', async ([before, now, text]) => {
  using world = cliWorld()
  await landed(world, ...before)
  // Who looks into the manifest leaves an empty log beside it.
  const files = () =>
    readdirSync(join(world.folder, 'lake'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => !name.startsWith('_manifest.sqlite-'),
    )
  const filesBefore = files()
  await world.run(['publish', 'games', '1'])
  const { code, stderr } = await world.run(['ingest', 'games', ...now, '--until', 'end'])
  expect([code, stderr]).toEqual([2, expect.stringContaining(text)])
  expect(stderr).toContain('another folder: --dir')
  expect(files()).toEqual(filesBefore)
  expect(await world.json('channels', 'show', 'games')).toMatchObject({ waiting: 1, in_flight: 0 })
})

it('says where the rows of a table with other columns go', async () => {
  using world = cliWorld()
  const root = new URL('../../src/pipelines/index.ts', import.meta.url).href
  const pipeline = (column: string, type: string) => `
import { definePipeline, defineTable } from ${JSON.stringify(root)}
import * as z from ${JSON.stringify(import.meta.resolve('zod'))}
const N = defineTable({ name: 'N', key: ['n'], schema: z.object({ n: ${column} }), columns: { n: '${type}' } })
export default definePipeline({
  name: 'numbers', channel: { name: 'numbers' }, tables: [N],
  transform({ n }: { n: never }, { emit }) { emit(N, { n }) },
})
`
  const path = join(world.folder, 'numbers.mts')
  const ingest = async (value: string) => {
    await world.run(['publish', 'numbers', `{"n":${value}}`])
    return world.run(['ingest', path, '--until', 'end'])
  }
  writeFileSync(path, pipeline('z.int()', 'int32'))
  expect((await ingest('1')).stderr).not.toContain('v=2')
  writeFileSync(path, pipeline('z.string()', 'string'))
  expect(await ingest('"a"')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(
      'table N has other columns than before (n was int32, is string): its rows go to N/v=2',
    ),
  })
  expect(existsSync(join(world.folder, 'lake/N/v=2'))).toBe(true)
  expect((await ingest('"b"')).stderr).not.toContain('v=2')
})

it('shows a folder elsewhere by its whole path', async () => {
  using world = cliWorld()
  using elsewhere = cliWorld()
  await world.run(['publish', 'games', '1'])
  const dir = join(elsewhere.folder, 'lake')
  const { code, stderr } = await world.run(['ingest', 'games', '--dir', dir, '--until', 'end'])
  expect([code, stderr]).toEqual([0, expect.stringContaining(`games -> ${dir} `)])
})

it.for([['lake'], ['.']])(
  'says that a folder is read-only, and what to do: %s',
  async ([below], { skip }) => {
    const mount = tmpfs('size=8m')
    if ('why' in mount) return skip(mount.why)
    using disk = mount
    using world = cliWorld()
    await world.run(['publish', 'games', '1'])
    disk.remount('ro')
    const dir = join(disk.dir, below as string)
    for (const layout of ['dataset', 'per-key']) {
      const args = ['ingest', 'games', '--dir', dir, '--layout', layout, '--until', 'end']
      const { code, stderr } = await world.run(args)
      expect(code).toBe(3)
      expect(stderr).toContain(`cannot make ${dir}: the disk is read-only`)
      expect(stderr).toContain('Mount it for writing, or take another folder')
      expect(stderr).not.toContain('ENOENT')
    }
    expect(await world.json('channels', 'show', 'games')).toMatchObject({ waiting: 1 })
  },
)
