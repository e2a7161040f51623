import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson, script } from './cliRun.ts'

describe('look and repair', () => {
  it.for(['messages ls', 'tail'])(
    '%s --from begins with the message that it names',
    async (command) => {
      using world = cliWorld()
      for (const n of [1, 2, 3]) await world.run(['publish', 'hello', `${n}`, '--id', `id-${n}`])
      await world.run(['publish', 'hello', '4', '--id', 'id-4', '--delay', '1h'])
      const shown = async (place: string) => {
        const ran = await world.run([...command.split(' '), 'hello', '--from', place, '-o', 'csv'])
        return [ran.code, ran.stdout.match(/^id-\d|(?<=,)id-\d/gm)?.join(' ') ?? ran.stderr]
      }
      expect(await shown('#2')).toEqual([0, 'id-2 id-3 id-4'])
      expect(await shown('id-2')).toEqual([0, 'id-2 id-3 id-4'])
      expect(await shown('#1')).toEqual([0, 'id-1 id-2 id-3 id-4'])
      expect(await shown('id-9')).toEqual([4, expect.stringContaining('no message id-9')])
      expect(await shown('#x')).toEqual([2, expect.stringContaining('"x" is no position')])
    },
  )

  it('finds, removes, pauses, purges and removes', async () => {
    using world = cliWorld()
    await world.run(['publish', 'hello', '--ndjson'], { input: ndjson(30) })
    const page = await world.json('messages', 'ls', 'hello', '--limit', '10')
    const items = page.items as { id: string; data: unknown }[]
    expect(items.map(({ data }) => data)).toEqual(
      Array.from({ length: 10 }, (_, at) => ({ n: 30 - at })),
    )
    const next = await world.json('messages', 'ls', 'hello', '--cursor', String(page.cursor))
    expect((next.items as unknown[])[0]).toMatchObject({ data: { n: 20 } })
    const { id } = items[0] as { id: string }
    expect(await world.json('messages', 'show', 'hello', id.slice(-8))).toMatchObject({
      id,
      data: { n: 30 },
    })
    expect(
      await world.json('messages', 'search', 'hello', '--where', 'data.n in [3, 28]'),
    ).toMatchObject({
      ...{ type: 'messages.search', scanned: 30, cursor: null },
      items: [{ data: { n: 28 } }, { data: { n: 3 } }],
    })
    const found = await world.json(
      'messages',
      'search',
      'hello',
      '--where',
      'data.n > 20',
      '--limit',
      '4',
    )
    expect(found).toMatchObject({
      scanned: 4,
      items: [{ data: { n: 30 } }, {}, {}, { data: { n: 27 } }],
    })
    const rest = ['--where', 'data.n > 20', '--cursor', String(found.cursor)]
    expect((await world.json('messages', 'search', 'hello', ...rest)).items).toMatchObject([
      { data: { n: 26 } },
      ...[25, 24, 23, 22, 21].map((n) => ({ data: { n } })),
    ])
    expect((await world.run(['messages', 'rm', 'hello', id])).code).toBe(5)
    expect((await world.run(['messages', 'rm', 'hello', id, '--confirm', 'hello'])).code).toBe(0)
    expect((await world.run(['messages', 'rm', 'hello', id, '--confirm', 'hello'])).code).toBe(4)
    expect(await world.json('channels', 'pause', 'hello')).toMatchObject({ paused: true })
    expect(await world.json('channels', 'ls')).toMatchObject({
      items: [{ channel: 'hello', waiting: 29, paused: true }],
    })
    expect((await world.run(['channels', 'resume', 'hello'])).code).toBe(0)
    expect(await world.json('stats', 'hello', '--over', '50ms')).toMatchObject({
      items: [{ channel: 'hello', waiting: 29, in: 30, in_per_s: 0, paused: false }],
    })
    const { stdout: metrics } = await world.run(['stats', '--prometheus'])
    expect(metrics).toContain('narrowcast_waiting{channel="hello",pattern="queue"} 29')
    expect((await world.run(['channels', 'purge', 'hello', '--confirm', 'helo'])).code).toBe(5)
    expect(await world.json('channels', 'purge', 'hello', '--confirm', 'hello')).toMatchObject({
      removed: 29,
    })
    expect((await world.run(['channels', 'rm', 'hello'])).code).toBe(0)
    expect((await world.run(['channels', 'rm', 'hello'])).code).toBe(4)
    expect((await world.run(['channels', 'rm', 'hello', '--if-exists'])).code).toBe(0)
  })

  it('groups dead letters by cause and sends some of them back', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(4) })
    const url = 'file:./.narrowcast/store?attempts=1'
    const program = script(
      world,
      'bad.sh',
      '#!/bin/sh\nread line\ncase "$line" in *1*) echo "no rank" >&2; exit 65;; esac\necho "order $NARROWCAST_MESSAGE_ID is late" >&2\nexit 1\n',
    )
    await world.run(['work', 'jobs', '--exec', program, '--until', 'end', '-u', url])
    const grouped = await world.json('dead', 'ls', 'jobs')
    expect(grouped).toMatchObject({
      ...{ type: 'dead.ls', total: 4, exact: true },
      items: [
        { count: 3, cause: 'failures' },
        { count: 1, cause: 'verdict', reason: 'no rank' },
      ],
    })
    const look = await world.run(['dead', 'redrive', 'jobs', '--dry-run'])
    expect(look).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('nothing changed (dry run)'),
    })
    const refused = await world.run(['dead', 'redrive', 'jobs', '--all'])
    expect(refused).toMatchObject({
      ...{ code: 5, stdout: '' },
      stderr: 'error: needs consent. Add --yes, or --dry-run to look first.\n',
    })
    expect(
      await world.json(
        'dead',
        'redrive',
        'jobs',
        '--where',
        'error contains "late"',
        '--yes',
        '--rate',
        '1000',
      ),
    ).toMatchObject({
      ...{ type: 'dead.redrive', redriven: 3, failed: 0 },
    })
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({ waiting: 3, dead: 1 })
    const [again] = await world.lines('tail', 'jobs', '--last', '1')
    expect(again).toMatchObject({ redrives: 1, attempt: 1 })
    expect(await world.json('dead', 'purge', 'jobs', '--confirm', 'jobs')).toMatchObject({
      removed: 1,
    })
  })
})
