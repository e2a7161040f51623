import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson } from './cliRun.ts'

describe('publish and tail', () => {
  it('stores one message, says so, and shows it without consuming it', async () => {
    using world = cliWorld()
    const first = await world.run([
      ...['publish', 'hello', '{"n":1}', '--key', 'k1', '--id', 'id-000000001', '-H', 'trace=ab12'],
    ])
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^published hello {2}id-000000001 {2}key k1 {2}7 B {2}stored in /,
      ),
    })
    expect(first.stderr).toBe(
      'channel hello is new: made as a queue (--pattern stream makes a stream)\n',
    )
    const before = await world.json('channels', 'show', 'hello')
    const [tailed] = await world.lines('tail', 'hello', '--last', '2', '--until', 'end')
    expect(tailed).toMatchObject({
      ...{ v: 1, type: 'tail', channel: 'hello', id: 'id-000000001', key: 'k1', attempt: 1 },
      ...{ headers: { trace: 'ab12' }, data: { n: 1 }, state: 'waiting', bytes: 7 },
    })
    const after = await world.json('channels', 'show', 'hello')
    expect({ ...after, oldest_ms: 0 }).toEqual({ ...before, oldest_ms: 0 })
    const text = await world.run(['tail', 'hello', '--utc', '--width', '60'])
    expect(text.stderr).toMatch(/^peek: exact, nothing is consumed \(file\)/)
    expect(text.stdout).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}#1 {2}k1 {2}7 B {2}attempt 1 {2}\{"n":1\}\n$/,
    )
  })

  it('takes lines, rejects wrong ones by their number, and says how many', async () => {
    using world = cliWorld()
    const wrong = await world.run(['publish', 'many', '--ndjson', '--json'], {
      input: '{"n":1}\nnope\n\n{"n":12345678901234567890}\n',
    })
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      ...{ v: 1, type: 'publish.summary', published: 2, rejected: 1, bytes: 33 },
    })
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('line 2: ') })
    const lines = await world.run(['publish', 'many', '--lines'], { input: 'a "text"\r\nlast' })
    expect(lines.stdout).toMatch(/^published many {2}2 messages/)
    const tailed = await world.run(['tail', 'many', '-o', 'wide'])
    expect(tailed.stdout).toContain('{"n":12345678901234567890}')
    expect(tailed.stdout).toContain('"a \\"text\\""')
  })

  it('tells the limit of a payload, and for a line what it tells for one message', async () => {
    using world = cliWorld()
    const data = JSON.stringify('x'.repeat(1_048_576))
    const one = await world.run(['publish', 'big', '-'], { input: data })
    const [, hint = ''] = /\n {2}(.*)\n$/.exec(one.stderr) ?? []
    expect([one.code, hint]).toEqual([2, expect.stringMatching(/\w/)])
    const input = `${data}\n${data}\n1\n`
    const many = await world.run(['publish', 'big', '--ndjson'], { input })
    expect([many.code, many.stdout]).toEqual([2, expect.stringContaining('rejected 2')])
    expect(many.stderr.split(hint)).toHaveLength(2)
    const { stdout } = await world.run(['channels', 'show', 'big'])
    expect(stdout).toMatch(/^payload {6}1 MiB unless payloadBytesMax is given, at most 64 MiB$/m)
  })

  it.for([
    ['PAYLOAD_TOO_LARGE', ['-'], 2],
    ['INVALID_ARGUMENT', ['1', '--id', ''], 2],
    ['INVALID_ARGUMENT', ['--lines', '--key', 'k'.repeat(256)], 2],
    ['UNSUPPORTED', ['1', '--delay', '10000d'], 6],
    ['UNSUPPORTED', ['--lines', '--delay', '1h', '--pattern', 'broadcast'], 6],
  ] as const)('makes no channel for what it refuses as %s', async ([code, words, exit]) => {
    using world = cliWorld()
    const input = JSON.stringify('x'.repeat(1_048_576))
    const ran = await world.run(['publish', 'new', ...words, '--json'], { input })
    expect([ran.code, ran.stdout]).toEqual([exit, ''])
    expect(JSON.parse(ran.stderr)).toMatchObject({ type: 'error', code })
    expect(await world.json('channels', 'ls')).toMatchObject({ items: [] })
  })

  it.for([
    ['nothing', '', 0],
    ['empty lines', '\n\r\n', 0],
    ['a line that is too large', JSON.stringify('x'.repeat(1_048_576)), 2],
    ['a line whose bytes fit, with what it is wrapped in', 'x'.repeat(1_048_575), 2],
  ] as const)(
    'makes no channel for lines of which none is a message: %s',
    async ([_, input, exit]) => {
      using world = cliWorld()
      for (const format of ['--ndjson', '--lines']) {
        const ran = await world.run(['publish', 'new', format], { input })
        expect([ran.code, ran.stdout]).toEqual([exit, expect.stringContaining(' 0 messages')])
        expect(ran.stderr).not.toContain('is new')
        expect(await world.json('channels', 'ls')).toMatchObject({ items: [] })
      }
      const { stderr } = await world.run(['publish', 'new', '--ndjson'], {
        input: `nope\n${ndjson(2)}`,
      })
      expect(stderr).toMatch(/^channel new is new: made as a queue/m)
      expect(await world.json('channels', 'show', 'new')).toMatchObject({ waiting: 2 })
    },
  )

  it('tells a wrong pattern also where no line comes', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const ran = await world.run(['publish', 'jobs', '--lines', '--pattern', 'stream'])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('jobs')])
  })

  it('publishes ten thousand lines in batches', async () => {
    using world = cliWorld()
    const { code, stdout } = await world.run(['publish', 'big', '--ndjson', '--json'], {
      input: ndjson(10_000),
    })
    expect([code, JSON.parse(stdout).published]).toEqual([0, 10_000])
    expect(await world.json('channels', 'show', 'big')).toMatchObject({ waiting: 10_000 })
  })

  it('follows, filters, and ends quietly when its reader goes', async () => {
    using world = cliWorld()
    await world.run(['publish', 'hello', '{"n":1}'])
    const tail = world.start(['tail', 'hello', '--follow', '--where', 'data.n > 1', '--json'])
    await tail.shows('peek:')
    await world.run(['publish', 'hello', '--ndjson'], { input: '{"n":0}\n{"n":2}\n' })
    await tail.shows('"data":{"n":2}')
    tail.child.stdout?.destroy()
    await world.run(['publish', 'hello', '{"n":3}'])
    const { code, stdout, stderr } = await tail.ended
    expect(code).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(1)
    expect(stderr).not.toContain('EPIPE')
  })

  it('shows messages below one another, and each by a name that `messages show` takes', async () => {
    using world = cliWorld()
    await world.run(['publish', 'q', '--ndjson'], { input: ndjson(10) })
    await world.run(['publish', 'q', '11', '--key', 'some-key', '--delay', '1h'])
    for (const more of [[], ['--from', 'first']]) {
      const { stdout } = await world.run(['tail', 'q', '--utc', ...more])
      const lines = stdout.trim().split('\n')
      expect(new Set(lines.map((line) => line.search(/attempt 1|delayed/)))).toHaveProperty(
        'size',
        1,
      )
      const [, id = ''] =
        / {2}(\S{8}) {2}some-key {2} ?2 B {2}delayed {4}11$/.exec(stdout.trim()) ?? []
      expect((await world.run(['messages', 'show', 'q', id])).stdout).toContain(
        'key       some-key',
      )
      expect(lines[0]).toMatch(/ {2}#\d {2,}- /)
    }
  })

  it('shows what could steer a terminal as escapes', async () => {
    using world = cliWorld()
    await world.run(['publish', 'hello', '{"t":"\u009b31m\u202e"}', '--key', '\u001b[2J'])
    const { stdout } = await world.run(['tail', 'hello'])
    expect(stdout).toContain('\\u001b[2J')
    expect(stdout).toContain('\\u009b31m\\u202e')
    expect(stdout).not.toContain('\u001b')
  })
})
