import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

describe('an error says what to type next', () => {
  it.for([
    ['messages ls q --from nosuchid', 4, 'narrowcast channels show q'],
    ['messages ls q --cursor zzz', 2, 'narrowcast messages ls --help'],
    ['messages rm q --confirm', 2, 'narrowcast messages rm --help'],
    ['messages rm q nope --confirm q', 4, 'narrowcast messages ls q -o wide'],
    ['dead ls q --group g', 6, 'narrowcast channels create NAME --pattern stream'],
    ['dead redrive s --group mial', 4, 'Did you mean mail?'],
    ['dead show q nope', 4, 'narrowcast dead ls q -o wide'],
    ['groups show s nope', 4, 'narrowcast groups ls s'],
    ['groups ls q', 6, 'narrowcast channels show q'],
    ['publish q 1 --rate 5', 2, 'narrowcast publish --help'],
    ['publish q 1 2', 2, 'narrowcast publish --help'],
    ['channels show', 2, 'narrowcast channels show --help'],
    ['channels ls --sort foo', 2, 'narrowcast channels ls --help'],
    ['channels ls --timeout 0s', 2, '--timeout=30s'],
    ['channels ls --timeout 100d', 2, '--timeout=30s'],
    ['channels ls --url-file nope', 2, 'The file holds the URL'],
    ['config check --config nope.mts', 4, '--config none'],
    ['help channel', 4, 'Did you mean channels?'],
    ['publish q 1 --read-only', 5, '--read-only: leave it out'],
  ] as const)('%s', async ([line, exit, hint]) => {
    using world = cliWorld()
    await world.run(['publish', 'q', '1'])
    await world.run(['publish', 's', '1', '--pattern', 'stream'])
    const args = ['work', 's', '--exec', 'true', '--group', 'mail', '--until', 'end']
    if (line.includes('mial')) await world.run(args)
    const { code, stderr } = await world.run(line.split(' '))
    expect([code, stderr]).toEqual([exit, expect.stringContaining(`\n  `)])
    expect(stderr).toContain(hint)
    expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(4)
  })

  it('an empty id names nothing, and changes nothing', async () => {
    using world = cliWorld()
    await world.run(['publish', 'q', '1'])
    await world.run(['work', 'q', '--exec', 'exit 65', '--until', 'end'])
    await world.run(['publish', 'q', '2'])
    for (const line of [
      ['messages', 'show', 'q', ''],
      ['messages', 'rm', 'q', '', '--confirm', 'q'],
      ['dead', 'show', 'q', ''],
      ['dead', 'redrive', 'q', '--id', '', '--yes'],
      ['dead', 'purge', 'q', '--id', '', '--confirm', 'q'],
    ]) {
      const { code, stderr } = await world.run(line)
      expect([line, code, stderr]).toEqual([line, 2, expect.stringContaining('the id is empty')])
      expect(stderr).toContain(`narrowcast ${line[0]} ls q`)
    }
    expect(await world.json('channels', 'show', 'q')).toMatchObject({ waiting: 1, dead: 1 })
  })

  it('for the backend that was asked, and never with a password', async () => {
    using world = cliWorld()
    const url = 'file:./other'
    const none = await world.run(['channels', 'ls', '-u', url])
    expect(none.stderr).toContain(`narrowcast publish -u ${url} hello`)
    await world.run(['publish', 'q', '1', '-u', url])
    const { stderr } = await world.run(['messages', 'show', 'q', 'nope', '-u', url, '--json'])
    expect(JSON.parse(stderr).hint).toContain(`narrowcast messages ls -u ${url} q`)
  })

  it('a channel that is not there is found by its near name, and never made', async () => {
    using world = cliWorld()
    await world.run(['publish', 'orders', '1'])
    for (const line of [
      ...['tail', 'stats', 'messages ls', 'dead ls', 'dead show', 'dead redrive', 'dead purge'],
      ...['show', 'rm', 'purge', 'pause', 'resume'].map((verb) => `channels ${verb}`),
      'groups ls',
    ]) {
      const { code, stderr } = await world.run([...line.split(' '), 'ordres'])
      expect([line, code, stderr]).toEqual([
        line,
        4,
        'error: there is no channel "ordres" on file:./.narrowcast/store\n  Did you mean orders?\n',
      ])
    }
    for (const words of [
      ['messages', 'show', 'ordres', 'x'],
      ['messages', 'rm', 'ordres', 'x', '--confirm', 'ordres'],
      ['messages', 'search', 'ordres', '--where', 'key == null'],
      ['groups', 'show', 'ordres', 'g'],
      ['groups', 'seek', 'ordres', 'g', '--to', 'end', '--yes'],
      ['groups', 'rm', 'ordres', 'g', '--confirm', 'g'],
    ]) {
      const { code, stderr } = await world.run(words)
      expect([words, code, stderr]).toEqual([words, 4, expect.stringContaining('mean orders?')])
    }
    expect((await world.json('channels', 'ls')).items).toHaveLength(1)
  })
})
