import fs, { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { openSink, staged } from '../../../test/faults/powerRun.ts'
import { ndjson } from '../encoders/ndjson.ts'
import { messagesPipeline } from '../messagesPipeline.ts'
import { lake } from './lake.ts'
import { verify } from './verify.ts'

/** A lake whose only file is committed, and still under its temporary name. */
async function unplaced() {
  const root = await mkdtemp(join(tmpdir(), 'narrowcast-verify-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const sink = lake(root, { format: ndjson({ compression: 'none' }), durability: 'os' })
  const pipeline = messagesPipeline({ name: 'lobby' })
  const opened = await openSink(sink, pipeline, 'committed')
  const row = { _id: 'm1', _time: 0, key: null, headers: '{}', data: '{}' }
  await expect(opened.land([staged('m1', 0, row)])).rejects.toThrow('it dies here')
  await opened.close()
  const db = new DatabaseSync(join(root, '_manifest.sqlite'), { readOnly: true })
  const { path, temp } = db.prepare('SELECT path, temp FROM files').get() ?? {}
  db.close()
  const place = async () => {
    await mkdir(dirname(join(root, String(path))), { recursive: true })
    await rename(join(root, String(temp)), join(root, String(path)))
  }
  return { root, path: String(path), temp: String(temp), place }
}

/** Does this right after verify has seen that there is nothing at this path. */
function afterMissing(path: string, work: () => Promise<void>): void {
  const { stat } = fs
  let isDone = false
  const listening = async (at: string) => {
    try {
      return await stat(at)
    } catch (error) {
      if (!isDone && at.endsWith(path)) {
        isDone = true
        await work()
      }
      throw error
    }
  }
  Object.assign(fs, { stat: listening })
  syncBuiltinESMExports()
  onTestFinished(() => {
    Object.assign(fs, { stat })
    syncBuiltinESMExports()
  })
}

test('a file that a worker brings into place while it is looked for is not missing', async () => {
  const { root, path, place } = await unplaced()
  afterMissing(path, place)
  expect(await verify(root)).toMatchObject({ isClean: true, missing: [], rows: { messages: 1 } })
})

test('one that is in neither place is', async () => {
  const { root, path, temp } = await unplaced()
  expect(await verify(root)).toMatchObject({ missing: [], unpublished: [path] })
  await rm(join(root, temp))
  expect(await verify(root)).toMatchObject({ isClean: false, missing: [path] })
})
