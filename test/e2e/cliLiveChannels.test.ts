import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

describe('live channels on the command line', () => {
  it('are listed and shown beside those that are kept, and never told to be removed', async () => {
    using world = cliWorld()
    world.start(['work', 'chat', '--pattern', 'broadcast', '--exec', 'cat'])
    // It is told as started before it has opened its channel.
    await expect
      .poll(async () => (await world.run(['channels', 'show', 'chat'])).code, { timeout: 30_000 })
      .toBe(0)
    await world.json('channels', 'create', 'direct', '--pattern', 'narrowcast')
    await world.json('channels', 'create', 'orders')
    const counts = { waiting: null, in_flight: null, dead: null, in: null, out: null }
    const { items } = await world.json('channels', 'ls', '--sort', 'waiting')
    expect(items).toMatchObject([
      { channel: 'orders', pattern: 'queue', waiting: 0 },
      { channel: 'chat', pattern: 'broadcast', ...counts },
      { channel: 'direct', pattern: 'narrowcast', ...counts },
    ])
    expect((await world.run(['channels', 'ls'])).stdout).toMatch(/^chat +broadcast +- +- +-/m)
    expect(await world.json('channels', 'show', 'chat')).toMatchObject({
      ...{ pattern: 'broadcast', ...counts },
      contract: { delivery: 'at-most-once', noReader: 'dropped-reported' },
    })
    const { stdout } = await world.run(['channels', 'show', 'direct'])
    expect(stdout).toContain('direct is a narrowcast: it keeps nothing to count.')
    expect(stdout).toContain('at-most-once')
    expect(stdout).not.toContain('waiting')
  })

  it.for([
    ['broadcast', 'A subscriber is given a copy: narrowcast work chat --exec cat'],
    ['narrowcast', 'A worker is given its share: narrowcast work chat --exec cat'],
  ] as const)('have nothing to tail: %s', async ([pattern, hint]) => {
    using world = cliWorld()
    await world.json('channels', 'create', 'chat', '--pattern', pattern)
    for (const follow of [[], ['--follow']]) {
      const { code, stderr } = await world.run(['tail', 'chat', ...follow])
      const text = `error: ${pattern} "chat" keeps no messages: there is nothing to look at\n  ${hint}\n`
      expect([code, stderr]).toEqual([6, text])
    }
  })

  it('say in stats who counts, and why they have no groups', async () => {
    using world = cliWorld()
    await world.json('channels', 'create', 'chat', '--pattern', 'broadcast')
    await world.json('channels', 'create', 'orders')
    const shown = await world.run(['stats', 'chat', '--over', '10ms'])
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^chat +broadcast +- /m) })
    expect(shown.stderr).toBe(
      'chat is a broadcast: it keeps nothing to count. Its workers count: narrowcast workers ls, narrowcast top\n',
    )
    expect((await world.run(['stats', 'orders', '--over', '10ms'])).stderr).toBe('')
    const refused = await world.run(['groups', 'ls', 'chat'])
    expect(refused.code).toBe(6)
    expect(refused.stderr).toContain('only streams have groups, and a broadcast keeps nothing')
    expect(refused.stderr).toContain('narrowcast workers ls')
    expect(refused.stderr).not.toContain('channels show')
  })
})
