import { describe, expect, test } from 'vitest'
import { cliWorld } from '../e2e/cliRun.ts'
import { channelName, missing, named, ourBus, theirClient, url } from './redisForeign.ts'

describe.skipIf(missing.redis !== null)(named('positions of a stream', missing.redis), () => {
  test('messages show takes each of those that messages ls prints', async () => {
    using world = cliWorld()
    const name = channelName('placed')
    await (await ourBus()).stream(name).opened()
    const client = await theirClient()
    const places = ['1-0', '1-1', '2-0', '1795278225042-0']
    for (const [n, place] of places.entries()) await client.xAdd(name, place, { data: `${n}` })
    for (const [n, place] of places.entries()) {
      const shown = await world.json('messages', 'show', name, `#${place}`, '-u', url)
      expect(shown).toMatchObject({ position: place, data: n })
    }
    for (const command of ['messages ls', 'tail']) {
      const from = await world.run([...command.split(' '), name, '--from', '#2-0', '-u', url])
      expect(from.stdout.trim().split('\n').slice(-2)).toEqual([
        expect.stringMatching(/ 2$/),
        expect.stringMatching(/ 3$/),
      ])
      expect(from.stdout).not.toMatch(/ 1$/m)
      const wrong = await world.run([...command.split(' '), name, '--from', '#7', '-u', url])
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('"7" is no position')])
    }
    const { code, stderr } = await world.run(['messages', 'show', name, '#1-5', '-u', url])
    expect([code, stderr]).toEqual([4, expect.stringContaining('no message at position #1-5')])
  })
})
