import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { connect } from '../../src/index.ts'
import { cliWorld } from './cliRun.ts'

it('lands what came to a live ingest that is ended while it still waits for its folder', async () => {
  using world = cliWorld()
  const args = ['ingest', 'news', '--pattern', 'broadcast', '--dir', 'lake', '--json']
  const first = await world.run([...args, '--until', '0s'])
  expect(first.code).toBe(0)
  const manifest = new DatabaseSync(join(world.folder, 'lake/_manifest.sqlite'))
  manifest.exec('BEGIN IMMEDIATE')
  const ingest = world.start(args)
  await using bus = await connect(`file:${join(world.folder, '.narrowcast/store')}`)
  const publish = async () => (await bus.broadcast('news').publish({ n: 1 })).receivers
  await expect.poll(publish, { timeout: 30_000 }).toBe(1)
  for (let n = 1; n < 5; n++) expect(await publish()).toBe(1)
  ingest.child.kill('SIGINT')
  await ingest.shows(/draining/)
  manifest.exec('ROLLBACK')
  manifest.close()
  const { stdout } = await ingest.ended
  const last = JSON.parse(stdout.trim().split('\n').at(-1) as string)
  expect(last).toMatchObject({ type: 'ingest.summary', messages: 5, acked: 5 })
})
