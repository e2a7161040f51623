import type { CommandSpec, FlagSpec } from './types.ts'

const on: FlagSpec = {
  flags: '--on <backend>',
  text: 'BACKEND[:PATTERN][@PROFILE], which the lab starts by itself; a URL, or a context',
}
/** What a command line changes of the load of a scenario. */
const loadFlags: readonly FlagSpec[] = [
  { flags: '--messages <n>', text: 'how many, default 10,000' },
  { flags: '--rate <n>', text: 'messages a second, default 400' },
  { flags: '--workers <n>', text: 'processes that work, default 4' },
  { flags: '--producers <n>', text: 'processes that publish, default 2' },
  { flags: '--concurrency <n>', text: 'messages that one worker has in hand at once, default 4' },
  { flags: '--handler <time>', text: 'how long a handler takes, default 20ms' },
  { flags: '--keys <n>', text: 'how many keys there are, default 16' },
  { flags: '--bytes <n>', text: 'of data in a message, at least 48, default 256' },
  { flags: '--seed <n>', text: 'chooses keys, kinds and targets, default 7' },
]

const asked = '"RUN" is the id of a run, the beginning of one that no other has, or "last".'

const ls: CommandSpec = {
  name: 'ls',
  summary: 'the scenarios, the runs that lie here, or the faults that can be had',
  access: 'ro',
  isLocal: true,
  prints: ['lab.ls', 'lab.runs', 'lab.faults'],
  flags: [
    { flags: '--runs', text: 'what has been run in this folder, the newest first' },
    { flags: '--faults', text: 'what can be broken on this machine, and what cannot' },
  ],
  examples: ['narrowcast lab ls', 'narrowcast lab ls -o wide', 'narrowcast lab ls --runs'],
}

const run: CommandSpec = {
  name: 'run',
  args: ['[scenario]'],
  summary: 'one experiment: real processes, a fault, and a verdict on every message',
  access: 'rw',
  isLocal: true,
  streams: true,
  prints: ['lab.run', 'lab.report'],
  exits: [3, 4, 6, 7, 8, 9],
  flags: [
    on,
    ...loadFlags,
    { flags: '--episodes <n>', text: 'how often the fault comes; the load grows along' },
    { flags: '--repeats <n>', text: 'whole runs, each with a fresh broker, default 1' },
    {
      flags: '--expect <delivery>',
      text: 'judge by more than the contract promises',
      choices: ['at-least-once'],
    },
    {
      flags: '--net <how>',
      text: 'break networks in a proxy, or cut the wire of a namespace',
      choices: ['proxy', 'namespace'],
    },
    { flags: '--spec <file>', text: 'a scenario of your own, as JSON' },
    { flags: '--junit <file>', text: 'a test case for each check, for a build server' },
  ],
  examples: [
    'narrowcast lab run worker-kill --on file',
    'narrowcast lab run calm --on redis-stream --messages 1000',
    'narrowcast lab run calm -u redis://localhost --pattern queue --json',
  ],
  notes: [
    'Backends: file, memory, redis-list, redis-stream, redis-pubsub, rabbitmq, kafka.',
    'redis is the one of its backends that --pattern needs.',
    'Profiles: default, safe; everysec of Redis; direct of narrowcast. naive loses on purpose.',
    'small-buffer of redis-pubsub: Redis cuts off who reads too slowly, at 256 kB.',
    'Exit 0: KEPT. 8: BROKEN. 9: INCONCLUSIVE. 6: the backend does not offer this.',
    'Everything lies in .narrowcast/lab afterwards: report.html, report.json, the ledgers.',
    'Ctrl-C heals what is broken, drains and reports; the second one stops at once.',
    'A broker given by its URL is not stopped, and a read-only context is refused.',
  ],
}

const many: readonly FlagSpec[] = [
  {
    flags: '--on <backends>',
    text: 'several, with commas between them or --on again',
    repeats: true,
  },
  ...loadFlags,
  {
    flags: '--expect <delivery>',
    text: 'judge by more than the contracts promise',
    choices: ['at-least-once'],
  },
  { flags: '--strict', text: 'exit 9 for what cannot be run here, as where CI is set' },
]
const exitsOfMany =
  'Exit 1: a lab error. 8: one is BROKEN. 9: one is INCONCLUSIVE. NOT OFFERED counts as nothing.'

const suite: CommandSpec = {
  name: 'suite',
  summary: 'every scenario on every pattern of some backends: promised against measured',
  access: 'rw',
  isLocal: true,
  exits: [3, 4, 6, 7, 8, 9],
  flags: [
    ...many,
    { flags: '--quick', text: 'four scenarios, 2,000 messages, one pattern of each backend' },
  ],
  examples: [
    'narrowcast lab suite --on file --quick',
    'narrowcast lab suite --on file,redis -o md > results.md',
  ],
  notes: [
    exitsOfMany,
    'Without --quick it takes about a minute for each line. Every run is kept: lab ls --runs.',
  ],
}

const compare: CommandSpec = {
  name: 'compare',
  args: ['<scenarios...>'],
  summary: 'scenarios on several backends, in turn, with the spread of repeated runs',
  access: 'rw',
  isLocal: true,
  exits: [3, 4, 6, 7, 8, 9],
  flags: [
    ...many,
    { flags: '--repeats <n>', text: 'runs of each, default 3' },
    { flags: '--rigorous', text: '6 runs of each: then the spread says more' },
    { flags: '--twin', text: "each backend's own client beside it, same settings: the ratio" },
  ],
  examples: [
    'narrowcast lab compare worker-kill --on file,redis-list,redis-stream',
    'narrowcast lab compare calm worker-kill --on file,redis-list@safe --repeats 1 --json',
    'narrowcast lab compare calm --on redis-list,redis-stream --twin --rigorous',
  ],
  notes: [
    exitsOfMany,
    'Backends that promise different things are not ranked together.',
    'Twins are for calm and backlog, and are judged by nothing: they promise nothing.',
  ],
}

const show: CommandSpec = {
  name: 'show',
  args: ['<run>'],
  summary: 'the report of a run, or everything about one of its messages',
  access: 'ro',
  isLocal: true,
  exits: [4],
  prints: ['lab.report', 'lab.message'],
  flags: [{ flags: '--message <id>', text: 'all records of this one, by time: p00-i00-s0000001' }],
  examples: ['narrowcast lab show last', 'narrowcast lab show last --message p00-i00-s0000001'],
  notes: [
    asked,
    'The id of a message may have the name of its run before it: r1a2b3c4d-p00-i00-s0000001.',
  ],
}

const verify: CommandSpec = {
  name: 'verify',
  args: ['[run]'],
  summary: 'count a run again from its ledgers, and compare with its report',
  access: 'ro',
  isLocal: true,
  exits: [4, 8, 9],
  prints: ['lab.verify', 'lab.self'],
  flags: [{ flags: '--self', text: 'test the lab: brokers that lie have to be caught' }],
  examples: ['narrowcast lab verify last', 'narrowcast lab verify --self'],
  notes: [
    asked,
    'Exit 0: they say the same. 8: they differ, or are damaged. 9: the run has no report.',
  ],
}

const open: CommandSpec = {
  name: 'open',
  args: ['<run>'],
  summary: 'the page of a run: says where it is, and opens it on a terminal',
  access: 'ro',
  isLocal: true,
  exits: [4],
  examples: ['narrowcast lab open last'],
  notes: [asked, 'BROWSER names the program that opens it.'],
}

const seed: CommandSpec = {
  name: 'seed',
  summary: 'fill a store with test data to look at',
  access: 'rw',
  flags: [
    { flags: '--channels <n>', text: 'default 10; named seed.01 and so on' },
    { flags: '--messages <n>', text: 'over all of them, default 1,000' },
    { flags: '--seed <n>', text: 'chooses what is in them, default 7' },
  ],
  examples: [
    'narrowcast lab seed',
    'narrowcast lab seed --channels 10000 --messages 1000000 -u file:./big',
  ],
  notes: [
    'The first channels get far more than the last. Every tenth is a stream, the others are queues.',
    'Again it adds as many. narrowcast channels rm takes one away.',
  ],
}

/** Experiments with a verdict. */
export const labCommand: CommandSpec = {
  name: 'lab',
  summary: 'experiments with a verdict: break something, and follow every message',
  access: 'rw',
  examples: ['narrowcast lab run worker-kill --on file'],
  commands: [ls, run, suite, compare, show, verify, open, seed],
}
