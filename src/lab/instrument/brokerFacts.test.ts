import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { brokerFacts } from './brokerFacts.ts'

test.for(['normal', 'full'])(
  'of a store with sync=%s the pragmas in force are told',
  async (sync) => {
    const folder = await mkdtemp(join(tmpdir(), 'narrowcast-facts-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const facts = await brokerFacts(`file:${folder}/store?sync=${sync}&lease=3s`)
    expect(facts).toMatchObject({ product: 'file', version: process.versions.sqlite, client: null })
    expect(facts.config).toMatchObject({
      ...{ sync, journal_mode: 'wal', synchronous: '1', wal_autocheckpoint: '0' },
      ...{ page_size: '8192', locking_mode: 'normal' },
    })
    expect(JSON.stringify(facts)).not.toContain(folder)
  },
)

test('two stores with the same settings have one hash, and another setting has another', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-facts-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const hash = async (rest: string) => (await brokerFacts(`file:${folder}/${rest}`)).configSha256
  const first = await hash('a')
  expect(await hash('b')).toBe(first)
  expect(await hash('b?sync=full')).not.toBe(first)
})

test('memory has nothing to set', async () => {
  const facts = await brokerFacts('memory:')
  expect(facts).toMatchObject({ product: 'memory', client: null, config: {} })
})

test('a store that cannot be opened is refused, as it is at connect', async () => {
  await expect(brokerFacts('file:/proc/nothing')).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
})
