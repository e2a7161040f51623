import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runnable } from '../../src/cli/tree.ts'
import { cliWorld, type World } from './cliRun.ts'

const ndjson = (count: number) =>
  Array.from({ length: count }, (_, at) => `{"n":${at + 1}}\n`).join('')

function script(world: World, name: string, text: string): string {
  const path = join(world.folder, name)
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

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

  it('shows what could steer a terminal as escapes', async () => {
    using world = cliWorld()
    await world.run(['publish', 'hello', '{"t":"\u009b31m\u202e"}', '--key', '\u001b[2J'])
    const { stdout } = await world.run(['tail', 'hello'])
    expect(stdout).toContain('\\u001b[2J')
    expect(stdout).toContain('\\u009b31m\\u202e')
    expect(stdout).not.toContain('\u001b')
  })
})

describe('work', () => {
  it('takes the exit code as the verdict', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson', '--key', 'k'], { input: ndjson(4) })
    const program = script(
      world,
      'job.sh',
      `#!/bin/sh
read line
case "$line" in
  *:1*) echo "ack $NARROWCAST_CHANNEL $NARROWCAST_KEY $NARROWCAST_ATTEMPT $NARROWCAST_HEADERS";;
  *:2*) echo "no rank" >&2; exit 65;;
  *:3*) [ "$NARROWCAST_ATTEMPT" = 1 ] && exit 75; echo "second $NARROWCAST_ATTEMPT";;
  *:4*) echo "attempt $NARROWCAST_ATTEMPT" >&2; exit 3;;
esac
`,
    )
    const { code, stdout } = await world.run([
      'work',
      'jobs',
      '--exec',
      program,
      '--until',
      'end',
      '-u',
      'file:./.narrowcast/store?attempts=3&backoff=1ms..10ms',
    ])
    expect(code).toBe(0)
    expect(stdout.split('\n').sort()).toEqual(['', 'ack jobs k 1 {}', 'second 2'])
    const dead = await world.json('dead', 'show', 'jobs')
    expect(dead.items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          data: { n: 2 },
          cause: 'verdict',
          reason: 'no rank',
          failures: 0,
        }),
        expect.objectContaining({ data: { n: 4 }, cause: 'failures', failures: 3 }),
      ]),
    )
    expect(JSON.stringify(dead)).toContain('exit 3: attempt 3')
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
      waiting: 0,
      dead: 2,
      out: 2,
    })
  })

  it('runs a module, with several workers, and reports in JSON', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(50) })
    const path = join(world.folder, 'handler.mts')
    writeFileSync(
      path,
      'export default async (data: { n: number }) => { if (data.n === 7) throw new Error("seven") }\n',
    )
    const events = await world.lines(
      ...[
        'work',
        'jobs',
        '--module',
        path,
        '--workers',
        '2',
        '--concurrency',
        '4',
        '--until',
        'end',
      ],
      ...['-u', 'file:./.narrowcast/store?attempts=1'],
    )
    const settled = events.filter(({ type }) => type === 'work.settled')
    expect(settled).toHaveLength(50)
    expect(settled.filter(({ verdict }) => verdict === 'dead')).toHaveLength(1)
    expect(events.every(({ v }) => v === 1)).toBe(true)
    expect(events.at(-1)).toMatchObject({ type: 'work.summary', acked: 49, dead: 1, waiting: 0 })
  })

  it('starts a killed worker anew, and what it held is done', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(3) })
    const path = join(world.folder, 'handler.mjs')
    // The first to come kills its process, once.
    writeFileSync(
      path,
      `import { existsSync, writeFileSync } from 'node:fs'
export default (data) => {
  if (existsSync('killed')) return
  writeFileSync('killed', '')
  process.kill(process.pid, 'SIGKILL')
}
`,
    )
    const work = world.start([
      'work',
      'jobs',
      '--module',
      path,
      '--until',
      'end',
      '-u',
      'file:./.narrowcast/store?lease=2s',
    ])
    const { code, stderr } = await work.ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/w1 pid \d+ died \(SIGKILL\)/)
    expect(stderr).toMatch(/w1 started anew, pid \d+/)
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
      waiting: 0,
      in_flight: 0,
      dead: 0,
    })
  })

  it.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('drains on %s and exits %i', async ([signal, exit]) => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: ndjson(20) })
    const program = script(world, 'slow.sh', '#!/bin/sh\necho begun\nsleep 1\necho ended\n')
    const work = world.start(['work', 'jobs', '--exec', program, '--concurrency', '2'])
    await work.shows('begun')
    work.child.kill(signal)
    const { code, stdout, stderr } = await work.ended
    expect([code, stderr]).toEqual([exit, expect.stringContaining('given back')])
    const count = (word: string) => stdout.split('\n').filter((line) => line === word).length
    expect(count('ended')).toBe(count('begun'))
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({
      ...{ waiting: 20 - count('ended'), in_flight: 0, dead: 0, out: count('ended') },
    })
  })

  it('leaves no process behind when it is killed', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const program = script(world, 'slow.sh', '#!/bin/sh\necho "program pid $$"\nexec sleep 60\n')
    const work = world.start(['work', 'jobs', '--exec', program])
    await work.shows(/program pid \d+\n/)
    const isAlive = (pid: number) => {
      try {
        process.kill(pid, 0)
        return true
      } catch {
        return false
      }
    }
    const pids = new Set<number>()
    work.child.stdout?.on('data', (text: string) => {
      for (const found of text.matchAll(/pid (\d+)/g)) pids.add(Number(found[1]))
    })
    work.child.kill('SIGKILL')
    const { stdout, stderr } = await work.ended
    for (const found of (stdout + stderr).matchAll(/pid (\d+)/g)) pids.add(Number(found[1]))
    expect(pids.size).toBeGreaterThanOrEqual(2)
    await expect.poll(() => [...pids].filter(isAlive), { timeout: 20_000 }).toEqual([])
  })

  it('refuses before it takes anything', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    await world.run(['channels', 'create', 'events', '--pattern', 'stream'])
    for (const [args, text] of [
      [['work', 'jobs'], 'one of --exec and --module'],
      [['work', 'jobs', '--exec', 'no-such-program'], 'no program no-such-program'],
      [['work', 'jobs', '--module', 'nothing.mjs'], 'nothing.mjs cannot be loaded'],
      [['work', 'jobs', '--exec', 'cat', '--group', 'x'], 'has no groups'],
      [['work', 'events', '--exec', 'cat'], 'work needs --group'],
    ] as const) {
      const { code, stderr } = await world.run(args)
      expect([code, stderr], args.join(' ')).toEqual([2, expect.stringContaining(text)])
    }
    expect(await world.json('channels', 'show', 'jobs')).toMatchObject({ waiting: 1 })
  })

  it('works a stream by group, each message once per group', async () => {
    using world = cliWorld()
    await world.run(['publish', 'events', '--ndjson', '--pattern', 'stream'], { input: ndjson(5) })
    for (const group of ['mail', 'audit']) {
      const { stdout } = await world.run([
        ...['work', 'events', '--exec', 'cat', '--group', group, '--until', 'end'],
      ])
      expect(stdout.trim().split('\n')).toHaveLength(5)
    }
    const { items } = await world.json('groups', 'ls', 'events')
    expect(items).toMatchObject([{ lag: 0 }, { lag: 0 }])
    expect((await world.run(['groups', 'seek', 'events', 'mail', '--to', '#3'])).code).toBe(5)
    expect(
      await world.json('groups', 'seek', 'events', 'mail', '--to', '#3', '--yes'),
    ).toMatchObject({ lag: 2 })
    expect((await world.run(['groups', 'rm', 'events', 'audit', '--confirm', 'audit'])).code).toBe(
      0,
    )
    expect((await world.run(['groups', 'show', 'events', 'audit'])).code).toBe(4)
  })
})

describe('look and repair', () => {
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

describe('ingest', () => {
  it('lands every message once, says so per commit, and verifies it', async () => {
    using world = cliWorld()
    await world.run(['publish', 'games', '--ndjson'], { input: ndjson(500) })
    const events = await world.lines(
      'ingest',
      'games',
      '--dir',
      'lake',
      '--until',
      'end',
      '--workers',
      '2',
    )
    const commits = events.filter(({ type }) => type === 'ingest.commit')
    const sum = commits.reduce((total, { messages }) => total + Number(messages), 0)
    expect(sum).toBe(500)
    expect(events.at(-1)).toMatchObject({
      ...{ type: 'ingest.summary', messages: 500, rows: { messages: 500 }, acked: 500, dead: 0 },
    })
    expect(await world.json('ingest', 'verify', '--dir', 'lake')).toMatchObject({
      ...{ clean: true, messages: 500, rows: { messages: 500 }, orphans: [] },
    })
    const folder = join(world.folder, 'lake/messages')
    const [day = ''] = readdirSync(folder)
    writeFileSync(join(folder, day, 'part-foreign.parquet'), 'x')
    expect(await world.run(['ingest', 'verify', '--dir', 'lake'])).toMatchObject({
      ...{ code: 8, stdout: expect.stringContaining('orphan') },
    })
    expect((await world.run(['ingest', 'verify', '--dir', 'nowhere'])).code).toBe(4)
  })

  it('comes to its end though a worker is killed, at its start too', async () => {
    using world = cliWorld()
    await world.run(['publish', 'games', '--ndjson'], { input: ndjson(2_000) })
    const ingest = world.start(['ingest', 'games', '--dir', 'lake', '--until', 'end', '--json'])
    const pid = Number(await ingest.shows(/"worker":"w1","pid":(\d+)/))
    process.kill(pid, 'SIGKILL')
    const { code, stderr } = await ingest.ended
    expect([code, stderr]).toEqual([0, expect.stringContaining(`w1 pid ${pid} died (SIGKILL)`)])
    expect(await world.json('ingest', 'verify', '--dir', 'lake')).toMatchObject({
      ...{ clean: true, messages: 2_000 },
    })
  })

  it('runs the pipeline of a file, and tries it without writing', async () => {
    using world = cliWorld()
    await world.run(['publish', 'orders', '--ndjson'], { input: `${ndjson(3)}{"n":"x"}\n` })
    const path = join(world.folder, 'orders.mts')
    const root = new URL('../../src/pipelines/index.ts', import.meta.url).href
    writeFileSync(
      path,
      `import { definePipeline, defineTable } from ${JSON.stringify(root)}
import * as z from ${JSON.stringify(import.meta.resolve('zod'))}
const ORDERS = defineTable({ name: 'ORDERS', key: ['n'], schema: z.object({ n: z.int().min(0).max(255) }) })
export const orders = definePipeline({
  name: 'orders', channel: { name: 'orders' }, input: z.object({ n: z.int() }), tables: [ORDERS],
  transform({ n }, { emit }) { emit(ORDERS, { n }) },
})
`,
    )
    const tried = await world.run(['ingest', 'check', path, '--json'])
    expect(JSON.parse(tried.stdout)).toMatchObject({
      ...{ type: 'ingest.check', messages: 4, rows: { ORDERS: 3 }, dead: 1 },
    })
    expect([tried.code, existsSync(join(world.folder, 'lake'))]).toEqual([2, false])
    const landed = await world.lines(
      'ingest',
      path,
      '--dir',
      'lake',
      '--to',
      'ndjson',
      '--until',
      'end',
    )
    expect(landed.at(-1)).toMatchObject({ messages: 3, dead: 1, rows: { ORDERS: 3 } })
  })

  it('refuses wrong options before it takes anything', async () => {
    using world = cliWorld()
    await world.run(['publish', 'games', '1'])
    for (const args of [
      ['ingest', 'games', '--layout', 'per-file'],
      ['ingest', 'games', '--exclusive', 'key'],
      ['ingest', 'games', '--roll', '30'.concat('x')],
      ['ingest', 'games', '--roll', '1s,2s'],
      ['ingest', 'games', '--layout', 'per-key', '--preset', 'nosuch'],
      ['ingest', 'games', '--to', 'csv'],
    ]) {
      expect((await world.run(args)).code, args.join(' ')).toBe(2)
    }
    expect((await world.run(['ingest', './nowhere.mts'])).code).toBe(4)
    expect(await world.json('channels', 'show', 'games')).toMatchObject({ waiting: 1 })
  })
})

describe('sim', () => {
  it('plays over sockets and in memory, and its records arrive', async () => {
    using world = cliWorld()
    const played = await world.json(
      'sim',
      'run',
      '--games',
      '3',
      '--players',
      '4',
      '--processes',
      '2',
    )
    expect(played).toMatchObject({ type: 'sim.run', missing: [], dropped: 0 })
    expect(Number(played.games)).toBeGreaterThanOrEqual(3)
    expect(await world.json('sim', 'run', '--engine', '--games', '500')).toMatchObject({
      ...{ games: 500, records: 500 },
    })
    const { in: total } = await world.json('channels', 'show', 'lib.server.lobby')
    expect(Number(total)).toBeGreaterThan(500)
    expect((await world.json('sim', 'heroes')).items).toHaveLength(132)
  })

  it('serves until it is told to stop', async () => {
    using world = cliWorld()
    const server = world.start(['sim', 'server', '--port', '0', '--json'])
    await server.shows('"url":"ws://127.0.0.1:')
    server.child.kill('SIGINT')
    const { code, stdout } = await server.ended
    expect(code).toBe(130)
    expect(JSON.parse(stdout.trim().split('\n').at(-1) as string)).toMatchObject({
      type: 'sim.server.summary',
    })
  })
})

describe('every command', () => {
  // Filled-in arguments; what is not here takes none.
  const args: Record<string, readonly string[]> = {
    ...{ publish: ['hello', '1'], tail: ['hello'], work: ['hello', '--exec', 'cat'] },
    ...{ ingest: ['hello'], 'ingest check': ['nowhere.mts'], completion: ['bash'] },
    ...Object.fromEntries(
      ['show', 'create', 'rm', 'purge', 'pause', 'resume'].map((name) => [
        `channels ${name}`,
        ['hello'],
      ]),
    ),
    ...{ 'messages ls': ['hello'], 'messages show': ['hello', 'x'], 'messages rm': ['hello', 'x'] },
    'messages search': ['hello', '--where', 'id == "x"'],
    ...{
      'dead ls': ['hello'],
      'dead show': ['hello'],
      'dead redrive': ['hello'],
      'dead purge': ['hello'],
    },
    ...{ 'groups ls': ['hello'], 'groups show': ['hello', 'g'], 'groups rm': ['hello', 'g'] },
    ...{ 'groups seek': ['hello', 'g', '--to', 'end'], 'sim heroes import': ['nowhere.json'] },
    ...{ 'sim bots': ['ws://127.0.0.1:1'], __complete: ['--', 'pub'] },
  }

  it('that changes something refuses with --read-only, and says so in JSON', async () => {
    using world = cliWorld()
    const changing = runnable().filter(({ spec }) => spec.access !== 'ro')
    for (const { name } of changing) {
      const words = [...name.split(' '), ...(args[name] ?? []), '--read-only', '--json']
      const { code, stdout, stderr } = await world.run(words)
      expect([name, code, stdout]).toEqual([name, 5, ''])
      expect(JSON.parse(stderr)).toMatchObject({ v: 1, type: 'error', code: 'READ_ONLY', exit: 5 })
    }
    expect(readdirSync(world.folder)).toEqual([])
  })

  it('that looks makes no store, and its stdout is JSON or empty', async () => {
    using world = cliWorld()
    const looking = runnable().filter(
      ({ name, spec }) => spec.access === 'ro' && name !== '__complete',
    )
    for (const { name } of looking) {
      const words = [...name.split(' '), ...(args[name] ?? []), '--json', '--read-only']
      const { code, stdout, stderr } = await world.run(words)
      if (code === 0)
        for (const line of stdout.trim().split('\n'))
          expect(JSON.parse(line), name).toMatchObject({ v: 1 })
      else {
        expect([name, stdout, code === 5]).toEqual([name, '', false])
        const error = JSON.parse(stderr) as Record<string, unknown>
        expect(error, name).toMatchObject({
          ...{
            v: 1,
            type: 'error',
            definite: expect.any(Boolean),
            retryable: expect.any(Boolean),
            exit: code,
          },
        })
        expect(Object.keys(error), name).toEqual([
          'v',
          'type',
          'code',
          'definite',
          'retryable',
          'message',
          'hint',
          'docs',
          'exit',
        ])
      }
    }
    expect(readdirSync(world.folder)).toEqual([])
  })
})
