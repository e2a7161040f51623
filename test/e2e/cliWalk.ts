import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { ndjson, type Ran, type Running, type World } from './cliRun.ts'

/** One step of the walk through all commands; they follow on each other in one folder. */
export interface Step {
  /** Full name: `dead redrive`. */
  readonly command: string
  readonly words?: readonly string[]
  readonly input?: string
  /** One of these, where there are several. */
  readonly exit?: number | readonly number[]
  /** The types that stand on stdout, each at least once. @default the name with dots */
  readonly prints?: readonly string[]
  /** What makes good for the question; without it the step is refused. */
  readonly consent?: readonly string[]
  /** Its text is a table or the like, so it has to fit every width. */
  readonly isLook?: boolean
  /** Runs it in a way of its own: it is ended by a signal, say. `words` hold `--json`. */
  readonly run?: (world: World, words: readonly string[]) => Promise<Ran>
}

const channel = 'a.channel.with.a.rather.long.name'
const pipelines = resolve(import.meta.dirname, '../../src/pipelines/index.ts')
const zod = createRequire(import.meta.url).resolve('zod')
const story = `{"text":"日本語, and a preview that is longer than any of the narrow windows","n":1}`
/** Dies with its worker once, and is done the second time. */
const diesOnce = '[ -e died ] && exit 0; touch died; kill -9 $PPID'
const fails = 'echo told; echo no such order, and a reason that goes on and on >&2; exit 65'

const heroes = ['Granite', 'Halcyon', 'Tideline'].map((name, id) => ({
  ...{ id, name, biography: { alignment: 'good' } },
  powerstats: { intelligence: 10, strength: 90, speed: 20, durability: 9, power: 50, combat: 60 },
}))

/** Files that the steps need. */
export const files: Readonly<Record<string, string>> = {
  'narrowcast.config.json': JSON.stringify({ channels: { [channel]: { attempts: 5 } } }),
  'heroes.json': JSON.stringify(heroes),
  'pipeline.mts': pipeline(''),
  'deadly.mts': pipeline('if (!existsSync("fell")) fall()'),
}

function pipeline(first: string): string {
  return `
import { existsSync, writeFileSync } from 'node:fs'
import { definePipeline, defineTable } from ${JSON.stringify(pipelines)}
import * as z from ${JSON.stringify(zod)}
function fall() {
  writeFileSync('fell', '')
  process.kill(process.pid, 'SIGKILL')
}
const NUMBER = defineTable({ name: 'NUMBER', key: ['n'], schema: z.object({ n: z.int() }) })
export default definePipeline({
  name: 'numbers',
  channel: { name: 'events', pattern: 'stream' },
  input: z.object({ n: z.int() }),
  tables: [NUMBER],
  transform({ n }, { emit }) {
    ${first}
    emit(NUMBER, { n })
  },
})
`
}

/** As few as a run may have that every worker does some of. */
const few = ['--messages', '40', '--workers', '2']

/** Every command, in an order in which each finds what it needs. */
export const steps: readonly Step[] = [
  { command: 'channels create', words: ['events', '--pattern', 'stream'] },
  {
    command: 'publish',
    words: [channel, story, '--id', 'order-42', '--key', 'berlin', '-H', 'trace=ab12'],
  },
  {
    command: 'publish',
    words: [channel, '--lines'],
    input: 'one\ntwo\nthree\n',
    prints: ['publish.summary'],
  },
  {
    command: 'publish',
    words: ['events', '--ndjson'],
    input: ndjson(5),
    prints: ['publish.summary'],
  },
  {
    command: 'publish',
    words: ['jobs', '--ndjson'],
    input: ndjson(3),
    prints: ['publish.summary'],
  },
  {
    command: 'work',
    words: ['jobs', '--exec', fails, '--until', 'end'],
    prints: ['work.started', 'work.settled', 'work.output', 'work.summary'],
  },
  { command: 'publish', words: ['deadly', '1', '-u', 'file:./.narrowcast/store?lease=3s'] },
  {
    command: 'work',
    words: [
      'deadly',
      '--exec',
      diesOnce,
      '--until',
      'end',
      '-u',
      'file:./.narrowcast/store?lease=3s',
    ],
    prints: ['work.started', 'work.died', 'work.settled', 'work.summary'],
  },
  {
    command: 'work',
    words: ['events', '--group', 'billing', '--exec', 'cat', '--until', 'end'],
    prints: ['work.started', 'work.settled', 'work.output', 'work.summary'],
  },
  {
    command: 'relay',
    words: ['rooms', '--pattern', 'narrowcast'],
    exit: 130,
    prints: ['relay.started', 'relay.stands-by', 'relay.leads', 'relay.no-worker', 'relay.summary'],
    run: afterAnother,
  },
  {
    command: 'publish',
    words: ['steady', '--lines'],
    prints: ['publish.summary'],
    run: forCrew,
  },
  { command: 'workers drain', words: ['w1', '--for', '3s'], consent: ['--yes'] },
  { command: 'workers stop', words: ['w2', '--for', '3s'], consent: ['--yes'] },
  {
    command: 'work',
    words: ['steady', '--control', '--workers', '2', '--exec', 'sleep 0.2'],
    prints: ['work.started', 'work.settled', 'work.ended', 'work.summary'],
    run: async () => crew?.ended as Promise<Ran>,
  },
  { command: 'top', words: ['--count', '2', '--interval', '200ms'] },
  { command: 'tail', words: [channel] },
  { command: 'tail', words: ['events', '--last', '2'], isLook: true },
  { command: 'channels ls', isLook: true },
  { command: 'channels ls', words: ['-o', 'ndjson'] },
  { command: 'channels show', words: [channel], isLook: true },
  { command: 'channels show', words: ['events'], isLook: true },
  { command: 'messages ls', words: [channel], isLook: true },
  { command: 'messages show', words: [channel, '#1'], isLook: true },
  { command: 'messages search', words: [channel, '--where', 'bytes > 1'], isLook: true },
  { command: 'messages rm', words: [channel, 'order-42'], consent: ['--confirm', channel] },
  { command: 'dead ls', words: ['jobs'], isLook: true },
  { command: 'dead ls', words: ['jobs', '-o', 'ndjson'] },
  { command: 'dead show', words: ['jobs', '--limit', '1'], isLook: true },
  { command: 'dead redrive', words: ['jobs', '--id', '#1'], consent: ['--yes'] },
  { command: 'dead ls', words: ['--list'], isLook: true },
  { command: 'dead jobs', isLook: true },
  { command: 'dead jobs', words: ['r_walked'], isLook: true, run: withJob },
  { command: 'dead cancel', words: ['r_walked'], consent: ['--yes'] },
  { command: 'dead purge', words: ['jobs'], consent: ['--confirm', 'jobs'] },
  { command: 'groups ls', words: ['events'], isLook: true },
  { command: 'groups show', words: ['events', 'billing'], isLook: true },
  { command: 'groups seek', words: ['events', 'billing', '--to', 'first'], consent: ['--yes'] },
  { command: 'groups rm', words: ['events', 'billing'], consent: ['--confirm', 'billing'] },
  { command: 'stats', words: ['--over', '1ms'], isLook: true },
  {
    command: 'ingest',
    words: ['events', '--to', 'ndjson', '--until', 'end'],
    prints: ['ingest.started', 'ingest.commit', 'ingest.summary'],
  },
  {
    command: 'ingest',
    words: ['deadly.mts', '--dir', 'deadly', '--until', 'end'],
    prints: ['ingest.started', 'ingest.died', 'ingest.commit', 'ingest.summary'],
  },
  { command: 'ingest verify', isLook: true },
  { command: 'ingest check', words: ['pipeline.mts'], isLook: true },
  { command: 'channels pause', words: ['jobs'] },
  { command: 'channels resume', words: ['jobs'] },
  { command: 'channels purge', words: [channel], consent: ['--confirm', channel] },
  { command: 'channels rm', words: ['jobs'], consent: ['--confirm', 'jobs'] },
  { command: 'bench', words: ['--for', '200ms', '--p99', '1ms'] },
  { command: 'contract', isLook: true },
  { command: 'doctor', isLook: true },
  {
    command: 'context add',
    words: ['prod', 'file:./elsewhere', '--environment', 'production', '--colour', 'red'],
  },
  { command: 'context ls', isLook: true },
  { command: 'context use', words: ['prod'] },
  { command: 'context use', words: ['none'] },
  { command: 'context show', words: ['prod'], isLook: true },
  { command: 'context rm', words: ['prod'], consent: ['--yes'] },
  { command: 'init', words: ['shop'] },
  { command: 'config show', words: ['--origin'], isLook: true },
  { command: 'config check', isLook: true },
  { command: 'config path' },
  { command: 'completion', words: ['bash'] },
  { command: 'help', prints: ['help'], isLook: true },
  { command: 'help', words: ['publish'], prints: ['help.command'], isLook: true },
  { command: 'help', words: ['errors'], prints: ['help.errors'], isLook: true },
  { command: 'help', words: ['TIMEOUT'], prints: ['help.error'], isLook: true },
  { command: 'help', words: ['--schema'], prints: ['help.schemas'], isLook: true },
  { command: 'help', words: ['--schema', 'publish'], prints: ['help.schema'] },
  { command: 'sim heroes', isLook: true },
  { command: 'sim heroes import', words: ['heroes.json'], isLook: true },
  { command: 'sim run', words: ['--engine', '--games', '5'] },
  { command: 'sim run', words: ['--games', '2', '--players', '3'] },
  {
    command: 'sim server',
    words: ['--port', '0'],
    exit: 130,
    prints: ['sim.server', 'sim.server.summary'],
    run: (world, words) => untilInterrupted(world, words, async () => {}),
  },
  {
    command: 'sim bots',
    words: ['--games', '1', '--players', '3'],
    async run(world, words) {
      const bots: { ran?: Ran } = {}
      await untilInterrupted(world, ['sim', 'server', '--port', '0', '--json'], async (url) => {
        bots.ran = await world.run([...words, url])
      })
      return bots.ran as Ran
    },
  },
  { command: 'lab ls', isLook: true },
  { command: 'lab run', words: ['calm', '--on', 'memory', ...few], prints: ['lab.report'] },
  { command: 'lab ls', words: ['--runs'], prints: ['lab.runs'], isLook: true },
  { command: 'lab ls', words: ['--faults'], prints: ['lab.faults'], isLook: true },
  { command: 'lab show', words: ['last'], prints: ['lab.report'], isLook: true },
  {
    command: 'lab show',
    words: ['last', '--message', 'p00-i00-s0000001'],
    prints: ['lab.message'],
    isLook: true,
  },
  { command: 'lab verify', words: ['last'], isLook: true },
  { command: 'lab verify', words: ['--self'], prints: ['lab.self'] },
  { command: 'lab suite', words: ['--on', 'memory', '--quick', ...few] },
  { command: 'lab compare', words: ['calm', '--on', 'memory', '--repeats', '1', ...few] },
  { command: 'lab open', words: ['last'], isLook: true },
  { command: 'lab seed', words: ['--channels', '3', '--messages', '20'] },
  { command: 'workers ls', run: besideWorker },
  { command: 'workers show', words: ['w1'], run: besideWorker },
  // Whether so short a time suffices for a verdict is not the point here.
  { command: 'demo', words: ['--play', '1s'], exit: [0, 9], prints: ['demo.result'] },
]

/** A redrive that was killed at 21 of 37, under a name that the steps know. */
async function withJob(world: World, words: readonly string[]): Promise<Ran> {
  const folder = join(world.folder, '.narrowcast/redrives')
  const [last] = (await world.json('dead', 'jobs')).items as { job: string }[]
  const job = JSON.parse(readFileSync(join(folder, `${last?.job}.json`), 'utf8'))
  const progress = { ...job.progress, at: 21, begunTo: 22 }
  const killed = { ...job, id: 'r_walked', total: 37, state: 'running', progress }
  writeFileSync(join(folder, 'r_walked.json'), JSON.stringify(killed))
  copyFileSync(join(folder, `${last?.job}.letters`), join(folder, 'r_walked.letters'))
  return world.run(words)
}

/** A relay that stands by until another one has ended, and then finds no worker. */
async function afterAnother(world: World, words: readonly string[]): Promise<Ran> {
  const first = world.start(['relay', 'rooms', '--pattern', 'narrowcast'])
  await first.shows('leads:')
  const second = world.start(words)
  await second.shows('stands by')
  first.child.kill('SIGTERM')
  await second.shows('leads:')
  const url = 'file:./.narrowcast/store?narrowcast=relay'
  await world.run(['publish', 'rooms', '1', '-u', url])
  await second.shows('relay.no-worker')
  second.child.kill('SIGINT')
  return second.ended
}

/** Runs it while a worker tells of itself. */
async function besideWorker(world: World, words: readonly string[]): Promise<Ran> {
  const worker = world.start(['work', 'events', '--group', 'ears', '--exec', 'cat', '--json'])
  await world.run(['publish', 'events', '{"n":6}'])
  await worker.shows('work.settled')
  const ran = await world.run(words)
  worker.child.kill('SIGINT')
  await worker.ended
  return ran
}

let crew: Running | null = null

/** Publishes what keeps two workers busy, and begins to work: the steps after it end them. */
async function forCrew(world: World, words: readonly string[]): Promise<Ran> {
  const ran = await world.run(words, { input: ndjson(2_000) })
  const work = ['work', 'steady', '--control', '--workers', '2', '--exec', 'sleep 0.2', '--json']
  crew = world.start(work)
  for (const name of ['w1', 'w2']) await crew.shows(new RegExp(`settled.*"worker":"${name}"`))
  return ran
}

/** Runs the game server until the work is done, then ends it as Ctrl-C does. */
async function untilInterrupted(
  world: World,
  words: readonly string[],
  work: (url: string) => Promise<void>,
): Promise<Ran> {
  const server = world.start(words)
  await work(await server.shows(/"url":"(ws:[^"]+)"/))
  server.child.kill('SIGINT')
  return server.ended
}
