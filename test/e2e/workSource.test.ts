import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

describe('a command that takes messages', () => {
  it.for([
    [['work', 'jobbs', '--exec', 'cat']],
    [['work', 'jobbs', '--exec', 'cat', '--group', 'g']],
    [['ingest', 'jobbs']],
  ])('%j makes no channel of a typing error', async ([args]) => {
    using world = cliWorld()
    const nothing = await world.run(args as string[])
    expect(nothing).toMatchObject({ code: 4, stderr: expect.stringContaining('no store') })
    expect(existsSync(join(world.folder, '.narrowcast'))).toBe(false)
    await world.run(['publish', 'jobs', '1'])
    const { code, stderr } = await world.run(args as string[])
    expect([code, stderr]).toEqual([4, expect.stringContaining('there is no channel "jobbs"')])
    expect(stderr).toContain('Did you mean jobs?')
    expect(stderr).toContain('--pattern queue')
    expect(existsSync(join(world.folder, 'lake'))).toBe(false)
    const { items } = await world.json('channels', 'ls')
    expect(items).toMatchObject([{ channel: 'jobs' }])
  })

  it('waits for a channel whose pattern was said', async () => {
    using world = cliWorld()
    const work = world.start(['work', 'jobs', '--pattern', 'queue', '--exec', 'cat'])
    await work.shows('channel jobs is new: made as a queue')
    await expect
      .poll(async () => (await world.run(['channels', 'show', 'jobs'])).code, { timeout: 30_000 })
      .toBe(0)
    await world.run(['publish', 'jobs', '"hello"'])
    await work.shows('"hello"')
    work.child.kill('SIGINT')
    expect((await work.ended).code).toBe(130)
  })

  it.for([
    ['no file', null, 'cannot be loaded'],
    ['no JavaScript', 'export default (', 'cannot be loaded'],
    ['no function', 'export default 7', 'expected a function as default export, got number'],
  ])('finds a module with %s before it touches the channel', async ([_name, text, why]) => {
    using world = cliWorld()
    if (text !== null) writeFileSync(join(world.folder, 'handler.mjs'), text as string)
    await world.run(['publish', 'other', '1'])
    const args = ['--module', 'handler.mjs', '--workers', '3']
    const made = await world.run(['work', 'jobs', '--pattern', 'queue', ...args])
    expect([made.code, made.stderr]).toEqual([2, expect.stringContaining(why as string)])
    expect(made.stderr.match(/error:/g)).toHaveLength(1)
    const { items } = await world.json('channels', 'ls')
    expect(items).toMatchObject([{ channel: 'other' }])
    expect((await world.run(['work', 'other', ...args])).code).toBe(2)
    expect(await world.json('channels', 'show', 'other')).toMatchObject({ waiting: 1, out: 0 })
  })
})
