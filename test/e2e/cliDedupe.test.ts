import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

describe('--dedupe', () => {
  it('makes a channel that stores an id once, and publish says which one was known', async () => {
    using world = cliWorld()
    expect((await world.run(['channels', 'create', 'orders', '--dedupe', '10m'])).code).toBe(0)
    expect(await world.json('publish', 'orders', '1', '--id', 'x')).toMatchObject({
      duplicate: false,
    })
    expect(await world.json('publish', 'orders', '2', '--id', 'x')).toMatchObject({
      ...{ id: 'x', duplicate: true },
    })
    const again = await world.run(['publish', 'orders', '3', '--id', 'x', '--dedupe', '600s'])
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^published orders {2}x {2}1 B {2}duplicate: known already, nothing stored\n$/,
      ),
    })
    expect(await world.json('channels', 'show', 'orders')).toMatchObject({ waiting: 1 })
  })

  it('is declared once, by publish too: another window is a conflict', async () => {
    using world = cliWorld()
    await world.run(['publish', 'orders', '1', '--id', 'x', '--dedupe', '10m'])
    for (const args of [
      ['publish', 'orders', '1', '--id', 'y', '--dedupe', '5m'],
      ['channels', 'create', 'orders', '--dedupe', '5m'],
    ]) {
      const { code, stdout, stderr } = await world.run(args)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('wanted 300000 ms, found 600000 ms')
    }
    expect((await world.run(['channels', 'create', 'orders'])).code).toBe(0)
    expect(await world.json('channels', 'show', 'orders')).toMatchObject({ waiting: 1 })
  })

  it('off by default, and a channel without it does not get it later', async () => {
    using world = cliWorld()
    await world.run(['publish', 'orders', '1', '--id', 'x'])
    expect(await world.json('publish', 'orders', '1', '--id', 'x')).toMatchObject({
      duplicate: false,
    })
    const { code, stderr } = await world.run(['publish', 'orders', '1', '--dedupe', '5m'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('wanted 300000 ms, found off')])
  })

  it('comes from the project file too, and lines are counted', async () => {
    using world = cliWorld()
    const url = ['-u', 'file:./.narrowcast/store?dedupe=publish:10m']
    await world.run(['publish', 'orders', '1', '--id', 'x', ...url])
    const { stdout } = await world.run(['publish', 'orders', '1', '--id', 'x', ...url])
    expect(stdout).toContain('duplicate: known already')
    const many = await world.json('publish', 'orders', '--ndjson', '--dedupe', '10m')
    expect(many).toMatchObject({ published: 0, duplicates: 0 })
  })

  it('needs a window of one second to a year', async () => {
    using world = cliWorld()
    for (const window of ['5', '10ms', '1.5ms', 'publish:5m', '400d']) {
      for (const args of [
        ['publish', 'orders', '1'],
        ['channels', 'create', 'orders'],
      ]) {
        const { code, stderr } = await world.run([...args, '--dedupe', window])
        expect([code, stderr], window).toEqual([2, expect.stringContaining('--dedupe')])
      }
    }
    expect((await world.run(['channels', 'ls'])).code).toBe(4)
  })
})
