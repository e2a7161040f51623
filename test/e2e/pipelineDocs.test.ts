import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { uuid } from '../../src/core/ids.ts'
import { verify } from '../../src/pipelines/lake/verify.ts'

const root = join(import.meta.dirname, '../..')

test('the program of docs/pipelines.md lands an order in both tables', async () => {
  const page = await readFile(join(root, 'docs/pipelines.md'), 'utf8')
  const [, program = ''] = /```ts\n(.*?)```/s.exec(page) ?? []
  await mkdir(join(root, '.narrowcast'), { recursive: true })
  // Inside the project, so that it finds zod.
  const folder = await mkdtemp(join(root, '.narrowcast/docs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const source = (path: string) => pathToFileURL(join(root, 'src', path)).href
  await writeFile(
    join(folder, 'orders.mts'),
    program
      .replace("'narrowcast/pipelines'", `'${source('pipelines/index.ts')}'`)
      .replace("'narrowcast'", `'${source('index.ts')}'`)
      // A batch lands after half a minute unless told otherwise.
      .replace("lake('./lake', {", "lake('./lake', { ageMsMax: 50,"),
  )
  const child = spawn(process.execPath, ['orders.mts'], { cwd: folder, stdio: 'inherit' })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await using bus = await connect(`file:${join(folder, '.narrowcast/store')}`)
  const channel = bus.queue('shop.orders')
  const order = { kind: 'placed', id: uuid(), country: 'FR', cents: 1_250 }
  await channel.publish({ ...order, articles: ['a', 'b'] })
  await channel.publish({ ...order, id: uuid(), articles: [] })
  await channel.publish({ kind: 'cancelled' })
  const landed = async () => {
    const names = await readdir(join(folder, 'lake/ORDER_LINE'), { recursive: true }).catch(
      () => [],
    )
    const [depth] = await bus.admin.depths([{ name: 'shop.orders', pattern: 'queue' }])
    return names.some((name) => name.endsWith('.parquet')) && depth?.stored === 0
  }
  await expect.poll(landed, { timeout: 30_000 }).toBe(true)
  child.kill('SIGKILL')
  await ended
  expect(await verify(join(folder, 'lake'))).toMatchObject({
    messages: 2,
    dead: 1,
    rows: { ORDER: 1, ORDER_LINE: 2 },
    missing: [],
    changed: [],
  })
})
