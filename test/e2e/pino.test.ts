import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino, transport } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { type ThreadStream, threadHost } from '../../src/transports/pino/threadHost.ts'

const root = new URL('../..', import.meta.url)
let dir = ''
const children: ChildProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'narrowcast-pino-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(dir, { recursive: true, force: true })
})

/** Runs a program that logs; `log`, `transport` and `say` are there for it. */
function start(url: string, options: object, body: string) {
  const program = join(dir, `program-${children.length}.mts`)
  const imports = `
    import { createRequire } from 'node:module'
    import { createPinoTransport } from ${JSON.stringify(new URL('src/pino.ts', root).href)}
    const { pino } = createRequire(${JSON.stringify(new URL('package.json', root).href)})('pino')
    const transport = createPinoTransport(${JSON.stringify({ url, ...options })})
    const log = pino(transport)
    const say = (what) => process.send?.(what)`
  writeFileSync(program, `${imports}\n${body}\n`)
  const child = spawn(process.execPath, [program], {
    cwd: dir,
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  children.push(child)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk
  })
  // Its exit may be told before the last of its text; "close" never comes where IPC was cut off.
  const isRead = new Promise((resolve) => child.stderr?.on('close', resolve))
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve)).then(
    async (code) => {
      await isRead
      return code
    },
  )
  const heard: unknown[] = []
  child.on('message', (what) => heard.push(what))
  return {
    child,
    ended,
    get stderr() {
      return stderr
    },
    /** What it said first, of what was not asked for yet. */
    said: async () => {
      if (heard.length === 0) await once(child, 'message')
      return heard.shift()
    },
  }
}

/** Everything in a queue, oldest first, taken out of it. */
async function contents(url: string, name: string, count: number) {
  await using bus = await connect(url)
  const found: { id: string; data: Record<string, unknown>; timeMs: number; key: string | null }[] =
    []
  await using deliveries = bus.queue<Record<string, unknown>>(name).deliveries()
  if (count === 0) return found
  for await (const delivery of deliveries) {
    const { id, timeMs, key } = delivery.message
    found.push({ id, timeMs, key, data: delivery.data })
    await delivery.settle({ kind: 'ack' })
    if (found.length === count) break
  }
  const [depth] = await bus.admin.depths([{ name, pattern: 'queue' }])
  expect(depth).toMatchObject({ waiting: 0, inFlight: 0, dead: 0 })
  return found
}

const routes = [
  { when: { log_message: 'Cleaning Game Records' }, channel: 'lib.server.lobby', keep: true },
]

test('records of a pino logger are in the store when the transport is closed', async () => {
  const url = `file:${join(dir, 'store')}`
  const run = start(
    url,
    { routes, key: 'task.game_token' },
    `for (let n = 0; n < 1200; n++) {
      log.info({ log_message: 'Cleaning Game Records', mid: 'game-' + n, task: { game_token: 'g' + n } })
      log.info({ log_message: 'a hit' })
    }
    await transport.close()
    say(transport.stats)`,
  )
  const stats = await run.said()
  expect(await run.ended).toBe(0)
  expect(stats).toMatchObject({ accepted: 1_200, acked: 1_200, skipped: 1_200, dropped: {} })
  const found = await contents(url, 'lib.server.lobby', 1_200)
  expect(found.map(({ id }) => id)).toEqual(Array.from({ length: 1_200 }, (_, n) => `game-${n}`))
  expect(found[7]).toMatchObject({ key: 'g7', data: { task: { game_token: 'g7' } } })
  expect(found[7]?.timeMs).toBe(found[7]?.data.time)
  expect(run.stderr).toBe('')
})

test('a program that just ends, or calls process.exit, loses nothing that it logged', async () => {
  const url = `file:${join(dir, 'store')}`
  const ends = start(url, {}, `log.info({ channel: 'logs', mid: 'a' }); say('ended')`)
  await ends.said()
  ends.child.disconnect()
  expect(await ends.ended).toBe(0)
  const exits = start(url, {}, `log.info({ channel: 'logs', mid: 'b' }); process.exit(3)`)
  expect(await exits.ended).toBe(3)
  const found = await contents(url, 'logs', 2)
  expect(found.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('in process, without a worker thread: nothing is lost at the end, nor by SIGTERM', async () => {
  const url = `file:${join(dir, 'store')}`
  const program = `
    import { connect } from ${JSON.stringify(new URL('src/connect.ts', root).href)}
    import { flushOnExit, pinoDestination } from ${JSON.stringify(new URL('src/pino.ts', root).href)}
    const bus = await connect(${JSON.stringify(url)})
    const destination = pinoDestination(bus.queue('logs'), { key: 'who' })
    flushOnExit(destination)
    const own = pino(destination)
    `
  const ends = start(
    url,
    {},
    `${program} own.info({ mid: 'a', who: 'me' }); await destination.close(); await bus.close()`,
  )
  ends.child.disconnect()
  expect(await ends.ended).toBe(0)
  const killed = start(
    url,
    {},
    `${program} own.info({ mid: 'b' }); say('logged'); setInterval(() => {}, 1_000)`,
  )
  await killed.said()
  killed.child.kill('SIGTERM')
  await killed.ended
  expect(killed.child.signalCode).toBe('SIGTERM')
  const found = await contents(url, 'logs', 2)
  expect(found.map(({ id, key }) => [id, key])).toEqual([
    ['a', 'me'],
    ['b', null],
  ])
})

test.for([
  ['a URL without a driver', 'nosuch://host', 'INVALID_CONFIG'],
  ['a store in a place that is a file', 'file:./program-0.mts', 'STORE_UNUSABLE'],
  ['memory:, which a worker thread cannot reach', 'memory:', 'INVALID_CONFIG'],
])('%s: records go to stderr as JSON lines, the program runs on', async ([, url, code]) => {
  const run = start(
    url as string,
    {},
    `log.info({ channel: 'logs', mid: 'a' }, 'still here')
    await new Promise((done) => setTimeout(done, 300))
    log.info({ channel: 'logs', mid: 'b' })
    await transport.close()
    say(transport.stats)`,
  )
  const stats = await run.said()
  expect(await run.ended).toBe(0)
  expect(stats).toMatchObject({ accepted: 2, acked: 0 })
  const lines = run.stderr.split('\n')
  const records = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
  expect(records.map(({ mid }) => mid)).toEqual(['a', 'b'])
  expect(run.stderr).toContain(code)
})

test('a worker thread that dies, and one that cannot be loaded, do not end the program', async () => {
  const dying = join(dir, 'dying.mjs')
  writeFileSync(
    dying,
    `import { Writable } from 'node:stream'
    export default () => new Writable({ write() { throw new Error('a defect in the worker') } })`,
  )
  for (const target of [dying, join(dir, 'missing.mjs')]) {
    const lines: string[] = []
    const isBack = Promise.withResolvers<void>()
    await using host = threadHost(
      () => transport({ target }) as unknown as ThreadStream,
      (line) => {
        lines.push(line)
        if (line === 'later') isBack.resolve()
        return true
      },
    )
    const log = pino(host)
    log.info('one')
    const writing = setInterval(() => host.write('later'), 20)
    await isBack.promise
    clearInterval(writing)
    expect(lines[0]).toMatch(/worker thread is gone .*(a defect in the worker|missing)/)
  }
})

test('killed while the store was away: the next start sends what was spilled, in order', async () => {
  const away = start(
    'file:./program-0.mts',
    { routes, spool: { dir: join(dir, 'spool') } },
    `for (let n = 0; n < 40; n++) log.info({ log_message: 'Cleaning Game Records', mid: 'game-' + n })
    transport.onStats((stats) => { if (stats.spilled === 40) say(stats) })
    setInterval(() => {}, 1_000)`,
  )
  expect(await away.said()).toMatchObject({ accepted: 40, spilled: 40, acked: 0, dropped: {} })
  away.child.kill('SIGKILL')
  await away.ended

  const url = `file:${join(dir, 'store')}`
  const back = start(
    url,
    { routes, spool: { dir: join(dir, 'spool') } },
    `log.info({ log_message: 'Cleaning Game Records', mid: 'game-40' })
    await transport.close()
    say(transport.stats)`,
  )
  expect(await back.said()).toMatchObject({ accepted: 41, acked: 41, spilled: 0 })
  await back.ended
  const found = await contents(url, 'lib.server.lobby', 41)
  expect(found.map(({ id }) => id)).toEqual(Array.from({ length: 41 }, (_, n) => `game-${n}`))
})

/** In process; `write(count)` logs in one turn, and notes each record after its call in a file. */
const logging = (url: string, spool: object) => `
  import { openSync, writeSync } from 'node:fs'
  import { connect } from ${JSON.stringify(new URL('src/connect.ts', root).href)}
  import { pinoDestination } from ${JSON.stringify(new URL('src/pino.ts', root).href)}
  const bus = await connect(${JSON.stringify(url)})
  const destination = pinoDestination(bus.queue('logs'), ${JSON.stringify({ spool })})
  const own = pino(destination)
  const noted = openSync('noted', 'a')
  let n = 0
  const write = (count) => {
    for (let more = 0; more < count; more++) {
      own.info({ mid: 'r' + ++n })
      writeSync(noted, 'r' + n + '\\n')
    }
  }`

/** What was written before the kill, and what has arrived when the next start has sent its spool. */
async function afterKill(
  spool: { dir: string; first: boolean },
  untilKilled: string,
  turns: number,
) {
  const url = `file:${join(dir, 'store')}`
  const killed = start(url, {}, `${logging(url, spool)}\n${untilKilled}`)
  for (let turn = 0; turn < turns; turn++) await killed.said()
  if (turns > 0) killed.child.kill('SIGKILL')
  await killed.ended
  expect(killed.child.signalCode).toBe('SIGKILL')
  const written = readFileSync(join(dir, 'noted'), 'utf8').split('\n').slice(0, -1)
  const next = start(
    url,
    {},
    `${logging(url, spool)}\nawait destination.close(); await bus.close()`,
  )
  next.child.disconnect()
  expect(await next.ended).toBe(0)
  await using bus = await connect(url)
  const [depth] = await bus.admin.depths([{ name: 'logs', pattern: 'queue' }])
  const arrived = await contents(url, 'logs', Number(depth?.waiting ?? 0))
  return { written, arrived: new Set(arrived.map(({ id }) => id)) }
}

test.for([1, 8, 40])(
  'spool first, killed in turn %i of logging: each record that was written arrives',
  async (turns) => {
    const spool = { dir: join(dir, 'spool'), first: true }
    const bursts = `setInterval(() => { write(1 + Math.random() * 50); say('turn') }, 1)`
    const { written, arrived } = await afterKill(spool, bursts, turns)
    expect(written.length).toBeGreaterThanOrEqual(turns)
    expect(written.filter((id) => !arrived.has(id))).toEqual([])
  },
)

test.for([
  [true, 500],
  [false, 0],
] as const)(
  'killed in the turn that logged 500 records, spool first %s: %i arrive',
  async ([first, count]) => {
    const spool = { dir: join(dir, 'spool'), first }
    const kill = `write(500); process.kill(process.pid, 'SIGKILL')`
    const { written, arrived } = await afterKill(spool, kill, 0)
    expect(written).toHaveLength(500)
    expect(arrived.size).toBe(count)
  },
)
