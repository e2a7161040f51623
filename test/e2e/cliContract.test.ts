import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { schemesOf } from '../../scripts/driverNames.ts'
import { parseBrokerUrl } from '../../src/core/url.ts'
import { driverNames, drivers } from '../../src/drivers/registry.ts'
import { cliWorld, type World } from './cliRun.ts'

async function rows(world: World, ...words: string[]): Promise<string[]> {
  const { items } = await world.json('contract', ...words)
  return (items as { backend: string; pattern: string }[]).map(
    ({ backend, pattern }) => `${backend} ${pattern}`,
  )
}

it('contract shows every row that a driver has', async () => {
  using world = cliWorld()
  const all = await Promise.all(
    driverNames.map(async (name) => {
      const [scheme] = schemesOf(name) as [keyof typeof drivers]
      const url = parseBrokerUrl(scheme === 'file' ? 'file:./x' : `${scheme}:`)
      const { contracts } = (await drivers[scheme]()).fromUrl(url)
      return Object.keys(contracts).flatMap((row) =>
        name === 'redis' && row === 'queue'
          ? ['redis ?queue=list queue', 'redis ?queue=stream queue']
          : [`${name} ${row}`],
      )
    }),
  )
  expect((await rows(world)).sort()).toEqual(all.flat().sort())
  const { stdout } = await world.run(['contract', 'file'])
  expect(stdout.match(/^[A-Z-]+ +FILE$/gm)).toHaveLength((await rows(world, 'file')).length)
})

it('--pattern narrowcast shows the choice of the publisher and that of the relay', async () => {
  using world = cliWorld()
  expect(await rows(world, 'file', '--pattern', 'narrowcast')).toEqual([
    ...['file narrowcast', 'file narrowcast-relay'],
  ])
  expect(await rows(world, 'file', '--pattern', 'stream')).toEqual(['file stream'])
})

it('asks of a URL what its settings leave, without making its store', async () => {
  using world = cliWorld()
  const ask = (word: string, ...required: string[]) =>
    world.run(['contract', word, '--pattern', 'queue', ...required])
  const required = ['--require', 'survives=power-loss']
  for (const url of ['file:./zz', 'file:./zz?sync=normal', 'file:./zz?lease=5s']) {
    expect(await ask(url, ...required)).toMatchObject({
      ...{ code: 6, stdout: '' },
      stderr: expect.stringContaining('file does not promise survives=power-loss for a queue'),
    })
  }
  expect((await ask('file:./zz?sync=full', ...required)).code).toBe(0)
  expect((await ask('file', ...required)).code).toBe(0)
  const { items } = await world.json('contract', 'file:./zz?lease=5s', '--pattern', 'stream')
  expect(items).toMatchObject([
    { contract: { redelivery: { withinMs: 6_000 }, stored: { in: 'page-cache' }, replay: true } },
  ])
  expect((await ask('file:./zz?synk=full')).code).toBe(2)
  expect(existsSync(join(world.folder, 'zz'))).toBe(false)
})
