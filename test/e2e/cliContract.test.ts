import { expect, it } from 'vitest'
import { parseBrokerUrl } from '../../src/core/url.ts'
import { drivers } from '../../src/drivers/registry.ts'
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
    Object.entries(drivers).map(async ([name, load]) => {
      const url = parseBrokerUrl(name === 'file' ? 'file:./x' : `${name}:`)
      const { contracts } = (await load()).fromUrl(url)
      return Object.keys(contracts).map((row) => `${name} ${row}`)
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
