import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'
import { cliWorld, killAgain, type Ran, script, type World } from './cliRun.ts'
import { problemsOf } from './cliSchema.ts'

/** So few that a run takes seconds. */
const few = ['--messages', '200', '--rate', '400', '--workers', '2', '--producers', '1']

let world: World
let ran: Ran
let folder: string

beforeAll(async () => {
  world = cliWorld()
  ran = await world.run(['lab', 'run', 'calm', '--on', 'file', ...few, '--json'])
  folder = join(world.folder, '.narrowcast/lab')
}, 60_000)
afterAll(() => world[Symbol.dispose]())

const runs = () => readdirSync(folder).sort()
const last = () => runs().at(-1) as string

describe('a run on file', () => {
  it('ends with a verdict, its exit code, and its report on stdout', () => {
    expect([ran.code, ran.stderr]).toEqual([0, expect.stringContaining('Saved')])
    const report = JSON.parse(ran.stdout)
    expect(problemsOf(report)).toEqual([])
    expect(report).toMatchObject({
      ...{ type: 'lab.report', seed: 7, verdict: { status: 'KEPT', reasons: [] } },
      spec: { scenario: 'calm', backend: 'file', pattern: 'queue', load: { messages: 200 } },
      groups: [{ account: { acknowledged: 200, processed: 200, lost: { total: 0 } } }],
    })
    expect(report).toEqual(JSON.parse(readFileSync(join(folder, last(), 'report.json'), 'utf8')))
  })

  it('leaves all its files in its folder, and nothing elsewhere', () => {
    expect(runs()).toEqual([expect.stringMatching(/^\d{4}-.*-calm-file-queue-s7$/)])
    const files = readdirSync(join(folder, last()))
    for (const name of [
      ...['spec.json', 'report.json', 'report.md', 'report.html', 'history.ndjson'],
      ...['events.ndjson', 'depth.ndjson', 'live.ndjson', 'ledgers', 'command.txt'],
    ]) {
      expect(files).toContain(name)
    }
    expect(readdirSync(world.folder).sort()).toEqual(['.narrowcast'])
    const command = readFileSync(join(folder, last(), 'command.txt'), 'utf8')
    expect(command).toBe(
      'narrowcast lab run calm --on file:queue --messages 200 --rate 400 --workers 2 --producers 1 --seed 7\n',
    )
  })

  it('tells on stderr how it goes on', () => {
    for (const word of ['starting', 'under load', 'draining', 'judging']) {
      expect(ran.stderr).toContain(word)
    }
  })

  it('is shown again, whole and message by message', async () => {
    const { code, stdout } = await world.run(['lab', 'show', 'last', '--width', '80'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('KEPT')])
    const one = await world.json('lab', 'show', 'last', '--message', 'p00-i00-s0000003')
    expect(problemsOf(one)).toEqual([])
    const lines = (one.lines as { what: string }[]).map(({ what }) => what)
    expect(lines).toEqual(expect.arrayContaining(['INVOKE', 'OK', 'RECV', 'DONE']))
    const text = await world.run(['lab', 'show', 'last', '--message', 'p00-i00-s0000003'])
    expect(text.stdout).toMatch(/p00-i00-s0000003 {2}key k\d\d {2}fine\n.*INVOKE/)
    const none = await world.run(['lab', 'show', 'last', '--message', 'p09-i00-s0000003'])
    expect([none.code, none.stdout]).toEqual([4, ''])
  })

  it('is listed', async () => {
    const { items } = await world.json('lab', 'ls', '--runs')
    expect(items).toMatchObject([{ verdict: 'KEPT', run: last(), scenario: 'calm' }])
  })

  it('says where its page is', async () => {
    const { stdout } = await world.run(['lab', 'open', last().slice(0, 20)])
    expect(stdout).toBe(`.narrowcast/lab/${last()}/report.html\n`)
  })

  it('is counted again from its ledgers, and a changed report is found', async () => {
    const { code, stdout } = await world.run(['lab', 'verify', 'last'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('says the same')])
    const path = join(folder, last(), 'report.json')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace('"processed": 200', '"processed": 199'))
    const changed = await world.run(['lab', 'verify', 'last', '--json'])
    writeFileSync(path, text)
    expect(changed.code).toBe(8)
    const found = JSON.parse(changed.stdout)
    expect(problemsOf(found)).toEqual([])
    expect(found).toMatchObject({
      state: 'differs',
      records: { sent: 200, done: 200 },
      differences: [{ what: 'groups.0.account.processed', reported: 199, counted: 200 }],
    })
  })

  it('damaged evidence is told, and does not fit its report', async () => {
    const path = join(folder, last())
    const ledger = join(path, 'ledgers', 'w00.0')
    const events = join(path, 'events.ndjson')
    const verified = async () => {
      const { code, stdout } = await world.run(['lab', 'verify', 'last', '--json'])
      const found = JSON.parse(stdout)
      expect(problemsOf(found)).toEqual([])
      expect([code, found.state]).toEqual([8, 'damaged'])
      return found.damage
    }
    renameSync(`${ledger}.json`, `${ledger}.away`)
    expect(await verified()).toContain('w00.0.bin has records, and no sidecar')
    renameSync(`${ledger}.away`, `${ledger}.json`)
    renameSync(events, `${events}.away`)
    expect(await verified()).toContain('events.ndjson cannot be read')
    renameSync(`${events}.away`, events)
    renameSync(join(path, 'ledgers'), join(path, 'away'))
    const { code, stdout, stderr } = await world.run(['lab', 'verify', 'last'])
    renameSync(join(path, 'away'), join(path, 'ledgers'))
    expect([code, stdout, stderr]).toEqual([4, '', expect.stringContaining('has no ledgers')])
    expect(stderr).not.toContain('ENOENT')
  })

  it('a damaged report is told, and hides no other run', async () => {
    const path = join(folder, last(), 'report.json')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.slice(0, 100))
    const { code, stdout, stderr } = await world.run(['lab', 'ls', '--runs'])
    const listed = await world.json('lab', 'ls', '--runs')
    writeFileSync(path, text)
    expect([code, stderr]).toEqual([0, expect.stringContaining('it is no JSON')])
    expect(stdout.replace(/\s+/g, ' ')).toContain(`damaged ${last()}`)
    expect(problemsOf(listed)).toEqual([])
    expect(listed).toMatchObject({ items: [{ verdict: null, state: 'damaged', run: last() }] })
  })
})

it.runIf((await findRedisProgram()) !== null)(
  'a run on lists of Redis is kept, too',
  async () => {
    using other = cliWorld()
    const words = ['lab', 'run', 'worker-kill', '--on', 'redis-list@safe', '--junit', 'checks.xml']
    const { code, stdout, stderr } = await other.run([...words, ...few, '--handler', '40ms'])
    expect([0, 9], stderr).toContain(code) // a kill may find nobody busy
    expect(stdout).toMatch(/^(KEPT|INCONCLUSIVE) /m)
    expect(stderr).toMatch(/SIGKILL worker \d/)
    expect(readFileSync(join(other.folder, 'checks.xml'), 'utf8')).toContain('<testcase')
    expect((await other.run(['lab', 'verify', 'last'])).code).toBe(0)
  },
  90_000,
)

it.runIf((await findRedisProgram()) !== null)(
  'a server that is given keeps running, and nothing of a run is left there',
  async () => {
    await using server = await startRedis()
    using other = cliWorld()
    const words = ['lab', 'run', '--on', `${server.url}?queue=stream`]
    const { code, stderr } = await other.run([...words, 'calm', ...few])
    expect([0, 9], stderr).toContain(code)
    expect(String(await askRedis(server.url, 'KEYS', '*'))).not.toContain('lab')
    const refused = await other.run([...words, 'broker-crash'])
    expect([refused.code, refused.stdout]).toEqual([3, ''])
    expect(refused.stderr).toContain('a broker that is given is not ours to end')
    const { items } = await other.json('lab', 'ls', '--runs')
    expect(items).toHaveLength(1)
  },
  90_000,
)

it('the second Ctrl-C ends everything at once', async () => {
  using other = cliWorld()
  const running = other.start(['lab', 'run', 'calm', '--on', 'file'])
  await running.shows(/sent [1-9]/)
  const pids = pidsOf(other, running.child.pid)
  running.child.kill('SIGINT')
  await running.shows('draining')
  await killAgain(running.child, 'SIGINT')
  const { code, stdout } = await running.ended
  expect([code, stdout]).toEqual([130, ''])
  await expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([])
  const verified = () => other.run(['lab', 'verify', 'last']).then((one) => one.code)
  await expect.poll(verified, { timeout: 30_000 }).toBe(9)
}, 90_000)

it('without a program for its broker a run is not begun', async () => {
  using other = cliWorld()
  const nowhere = { env: { PATH: other.folder } }
  const { code, stdout, stderr } = await other.run(
    ['lab', 'run', 'calm', '--on', 'redis-list'],
    nowhere,
  )
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toContain('no redis-server is on the PATH')
  expect(readdirSync(join(other.folder, '.narrowcast/lab'))).toEqual([])
  const { items } = JSON.parse(
    (await other.run(['lab', 'ls', '--faults', '--json'], nowhere)).stdout,
  ) as { items: { fault: string; where: string }[] }
  expect(items.find(({ fault }) => fault === 'broker-crash')?.where).toContain(
    'no Redis, RabbitMQ or Kafka',
  )
  expect(items.find(({ fault }) => fault === 'cut-wire')?.where).toContain('the programs ip,')
})

it('a run that never began leaves nothing', async () => {
  using other = cliWorld()
  const wired = await other.run([
    'lab',
    'run',
    'calm',
    '--on',
    'file',
    '--net',
    'namespace',
    ...few,
  ])
  expect([wired.code, wired.stderr]).toEqual([
    6,
    expect.stringContaining('no network lies between'),
  ])
  const known = await other.run(['lab', 'run', 'lost-ack-dedupe', '--on', 'file:narrowcast'])
  expect([known.code, known.stderr]).toEqual([6, expect.stringContaining('keeps no ids')])
  const words = ['lab', 'run', 'calm', '--on', 'redis://127.0.0.1:1', '--timeout', '1s', ...few]
  const { code, stdout } = await other.run(words)
  expect([code, stdout]).toEqual([3, ''])
  expect(readdirSync(join(other.folder, '.narrowcast/lab'))).toEqual([])
}, 60_000)

it('scenarios, backends and runs are completed', async () => {
  const complete = async (...words: string[]) =>
    (await world.run(['__complete', '--', 'lab', ...words])).stdout.trim().split('\n')
  await expect.poll(() => complete('run', 'wor'), { timeout: 30_000 }).toEqual(['worker-kill'])
  await expect
    .poll(() => complete('run', 'calm', '--on', 'redis-l'), { timeout: 30_000 })
    .toEqual(['redis-list'])
  await expect.poll(() => complete('show', ''), { timeout: 30_000 }).toEqual(['last', last()])
  await expect.poll(() => complete('verify', 'l'), { timeout: 30_000 }).toEqual(['last'])
})

it('Ctrl-C sends nothing more, drains and reports', async () => {
  using other = cliWorld()
  const running = other.start(['lab', 'run', 'calm', '--on', 'file', '--rate', '100'])
  await running.shows('under load')
  await running.shows(/sent [1-9]/)
  running.child.kill('SIGINT')
  const { code, stdout } = await running.ended
  expect([code, stdout]).toEqual([130, expect.stringMatching(/^INCONCLUSIVE/m)])
  expect((await other.run(['lab', 'verify', 'last'])).code).toBe(0)
}, 90_000)

it('whoever kills it finds no process of it, and its ledgers in its folder', async () => {
  using other = cliWorld()
  const running = other.start(['lab', 'run', 'calm', '--on', 'file'])
  await running.shows('under load')
  await running.shows(/sent [1-9]/)
  const pids = pidsOf(other, running.child.pid)
  expect(pids.filter(isAlive)).toEqual(pids)
  const ledgers = ledgersOf(other)
  const written = realpathSync(ledgers)
  running.child.kill('SIGKILL')
  await expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([])
  await expect.poll(() => existsSync(written), { timeout: 30_000 }).toBe(written === ledgers)
  expect(lstatSync(ledgers).isDirectory()).toBe(true)
  const { code, stdout } = await other.run(['lab', 'verify', 'last'])
  expect([code, stdout]).toEqual([9, expect.stringMatching(/sent [1-9].*\n.*no report/)])
  const { stdout: listed } = await other.run(['lab', 'ls', '--runs'])
  expect(listed).toContain('unfinished')
  expect((await other.run(['lab', 'show', 'last'])).code).toBe(4)
}, 90_000)

/** Of the actors of the only run. */
function pidsOf(place: World, own: number | undefined): number[] {
  const ledgers = ledgersOf(place)
  const sidecars = readdirSync(ledgers).filter((name) => name.endsWith('.json'))
  return sidecars
    .map((name) => (JSON.parse(readFileSync(join(ledgers, name), 'utf8')) as { pid: number }).pid)
    .filter((pid) => pid !== own)
}

function ledgersOf({ folder: place }: World): string {
  const path = join(place, '.narrowcast/lab')
  const [id] = readdirSync(path)
  return join(path, id as string, 'ledgers')
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it('the scenario that the page shows is one', async () => {
  using other = cliWorld()
  const page = readFileSync(join(import.meta.dirname, '../../docs/lab/README.md'), 'utf8')
  script(other, 'own.json', /```json\n(.*?)```/s.exec(page)?.[1] as string)
  const ran = await other.run(['lab', 'run', '--spec', 'own.json', '--on', 'file', '-n'])
  expect([ran.code, ran.stderr]).toEqual([
    0,
    expect.stringContaining('would run two-kills on file queue with 2,000 messages, seed 7'),
  ])
})

const own = JSON.stringify({ name: 'own', title: 'my own', teaches: 'something', faults: [{}] })

it.for([
  [['ls', '--runs', '--faults'], 2, 'exclude each other'],
  [['run'], 2, 'no scenario is named'],
  [['run', 'calmer', '--on', 'file'], 2, 'Did you mean calm?'],
  [['run', 'calm'], 2, 'on which backend?'],
  [['run', 'calm', '--on', 'fiel'], 2, 'Did you mean file?'],
  [['run', 'calm', '--on', 'file:queu'], 2, 'Did you mean queue?'],
  [['run', 'calm', '--on', 'file@saef'], 2, 'Did you mean safe?'],
  [['run', 'calm', '--on', 'file,redis-list'], 2, 'takes one backend'],
  [['run', 'calm', '--on', 'file', '-u', 'file:./x'], 2, 'name two brokers'],
  [['run', 'calm', '--on', 'redis-list:stream'], 6, 'redis-list has no stream'],
  [['run', 'calm', '--on', 'file', '--messages', '0'], 2, '--messages'],
  [['run', 'calm', '--on', 'file', '--bytes', '10'], 2, '--bytes'],
  [['run', 'calm', '--on', 'file', '--expect', 'more'], 2, '--expect'],
  [['run', 'calm', '--on', 'file', '--episodes', '9'], 2, 'no fault of calm comes again'],
  [['run', 'calm', '--on', 'file', '--net', 'none'], 2, '--net'],
  [['run', 'calm', '--spec', 'own.json', '--on', 'file'], 2, 'name two scenarios'],
  [['run', '--spec', 'none.json', '--on', 'file'], 2, 'cannot read'],
  [['run', '--spec', 'own.json', '--on', 'file'], 2, 'is no scenario'],
  [['run', 'calm', '--on', 'sealed'], 5, 'changes are off'],
  [['run', 'calm', '-c', 'sealed'], 5, 'changes are off'],
  [['run', 'calm', '--on', 'file:./x', '--read-only'], 5, 'changes are off'],
  [['run', 'calm', '-u', 'nats://me:secret@host'], 6, 'nats://me:***@host'],
  [['show', '2031'], 4, 'there are no runs'],
  [['verify'], 2, 'no run is named'],
  [['verify', 'last', '--self'], 2, 'takes no run'],
  [['verify', 'last'], 4, 'narrowcast lab run calm'],
  [['open', 'last'], 4, 'there are no runs'],
] as const)('lab %j exits %i', async ([words, exit, text]) => {
  using other = cliWorld()
  script(other, 'own.json', own)
  await other.run(['context', 'add', 'sealed', 'file:./sealed', '--protect'])
  const { code, stdout, stderr } = await other.run(['lab', ...words])
  expect([code, stdout, stderr]).toEqual([exit, '', expect.stringContaining(text)])
  expect(stderr).not.toContain('secret')
  expect(existsSync(join(other.folder, '.narrowcast'))).toBe(false)
})
