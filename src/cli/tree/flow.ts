import { dedupe } from './dedupe.ts'
import type { CommandSpec, FlagSpec } from './types.ts'

const from: FlagSpec = {
  flags: '--from <place>',
  text: 'first, end, #POSITION, a message id, a time, or an age such as 10m',
}
const group: FlagSpec = { flags: '--group <name>', text: 'the group of a stream; required there' }
const workers: FlagSpec = { flags: '--workers <n>', text: 'child processes, default 1' }
const until: FlagSpec = {
  flags: '--until <end|time>',
  text: 'stop when nothing that is due is left, after a time such as 10m, or at a clock time',
}

/** What every command with worker processes tells of them. */
const events = (command: string) => [`${command}.started`, `${command}.died`]

/** Commands that move messages. */
export const flowCommands: readonly CommandSpec[] = [
  {
    name: 'publish',
    alias: 'pub',
    args: ['<channel>', '[data]'],
    summary: 'one message, or many from stdin',
    access: 'rw',
    prints: ['publish', 'publish.summary'],
    flags: [
      { flags: '--ndjson', text: 'one JSON message per line of stdin' },
      { flags: '--lines', text: 'one text message per line of stdin' },
      { flags: '--key <key>', text: 'key of the message' },
      { flags: '--id <id>', text: 'id of the message; default a new UUIDv7' },
      { flags: '--delay <time>', text: 'hand it out no earlier than after this time' },
      { flags: '-H, --header <name=value>', text: 'a header', repeats: true },
      { flags: '--rate <n>', text: 'at most so many messages a second' },
      dedupe,
    ],
    examples: [
      `narrowcast publish hello '{"n":1}'`,
      `narrowcast publish orders '{"order":42}' --id order-42 --key berlin -H trace=ab12`,
      'narrowcast publish orders --ndjson < orders.ndjson',
    ],
    notes: [
      'DATA is JSON. "-" reads one message from stdin, as JSON text.',
      'A channel that does not exist becomes a queue, or what --pattern says.',
      'An id that a channel with --dedupe knows is not stored again: the answer says duplicate, exit 0.',
      'A broker that is away or silent is waited for up to 30 s. Ctrl-C ends that and says what is stored.',
    ],
  },
  {
    name: 'tail',
    args: ['<channel>'],
    summary: 'look at messages without consuming them',
    access: 'ro',
    streams: true,
    flags: [
      { flags: '--last <n>', text: 'begin with the newest n; default 10' },
      from,
      {
        flags: '--until <end|time>',
        text: 'stop at what is the end now (default), after a time such as 10m, or at 18:30',
      },
      { flags: '--follow', text: 'go on as messages come' },
      { flags: '--where <expr>', text: 'only what fits: data.hero == "Granite" && data.n > 9' },
    ],
    examples: [
      'narrowcast tail hello --last 5 --until end',
      `narrowcast tail hello --follow --where 'data.n > 10 && key == "berlin"'`,
    ],
    notes: [
      'Of a queue one sees what is not settled, of a stream what is stored.',
      '--from begins with the message that it names.',
    ],
  },
  {
    name: 'work',
    args: ['<channel>'],
    summary: 'run workers: a program per message, or a module',
    access: 'destructive',
    streams: true,
    prints: [
      'work',
      ...events('work'),
      'work.ended',
      'work.settled',
      'work.output',
      'work.summary',
    ],
    flags: [
      { flags: '--exec <command>', text: 'run by the shell once per message, data on stdin' },
      {
        flags: '--module <file>',
        text: 'JavaScript or TypeScript; its default export is the handler',
      },
      workers,
      { flags: '--concurrency <n>', text: 'messages at once in each worker, default 1' },
      group,
      until,
      { flags: '--control', text: 'workers end when workers drain or workers stop names them' },
    ],
    examples: [
      'narrowcast work hello --exec cat',
      'narrowcast work hello --exec ./score.sh --workers 4 --concurrency 2 --until end',
      'narrowcast work hello --module ./handler.mts',
    ],
    notes: [
      '--exec: NARROWCAST_MESSAGE_ID, _CHANNEL, _KEY, _ATTEMPT, _TIME and _HEADERS (JSON) are set.',
      'Exit 0 acks. 65 buries it, the last line of stderr is the reason. 75 tries again later.',
      'Anything else is an error. Both cost an attempt; after the last one the message is dead.',
      'Ctrl-C drains: what is in hand is settled, the rest given back. A second one stops now.',
      'A program ends with its worker, also where that is killed: its process group gets SIGKILL.',
      'Where nobody reads stdout any more, what fails to print ends the run with 0 and costs no attempt.',
      'A channel that is not there is only waited for with --pattern, or where the project file names it.',
    ],
  },
  {
    name: 'ingest',
    args: ['<file|channel>'],
    summary: 'workers that land messages in Parquet or NDJSON files',
    access: 'destructive',
    streams: true,
    prints: ['ingest', ...events('ingest'), 'ingest.commit', 'ingest.summary'],
    exits: [8],
    flags: [
      { flags: '--dir <folder>', text: 'the lake, default ./lake' },
      { flags: '--to <format>', text: 'default parquet', choices: ['parquet', 'ndjson'] },
      {
        flags: '--roll <limits>',
        text: 'when a commit is due: 30s,32MB,50000; a worker holds two',
      },
      { flags: '--layout <layout>', text: 'dataset, or per-key[:FIELD] for one file per key' },
      {
        flags: '--exclusive <scope>',
        text: 'per-key: one file per key, or per key and worker',
        choices: ['key', 'worker'],
      },
      { flags: '--preset <name>', text: 'per-key: a layout that other readers know' },
      workers,
      { flags: '--group <name>', text: 'the group of a stream; default the name of the pipeline' },
      { flags: '--as <name>', text: 'name of the pipeline in the lake; a new one starts anew' },
      until,
    ],
    examples: [
      'narrowcast ingest hello --to ndjson --dir ./lake --until end',
      'narrowcast ingest ./games.mts --dir ./lake --roll 60s,64MB --workers 4',
    ],
    notes: [
      'FILE is a module that exports a pipeline (definePipeline). A CHANNEL lands one row per message.',
      'Each acknowledged message lands exactly once in the folder, also under kill -9.',
    ],
    commands: [
      {
        name: 'verify',
        summary: 'count files and rows against the manifest',
        access: 'ro',
        isLocal: true,
        exits: [4, 8],
        flags: [{ flags: '--dir <folder>', text: 'the lake, default ./lake' }],
        examples: ['narrowcast ingest verify --dir ./lake'],
      },
      {
        name: 'check',
        args: ['<file>'],
        summary: 'run a pipeline on messages as they lie there, and write nothing',
        access: 'ro',
        flags: [{ flags: '--last <n>', text: 'messages to try, default 100' }],
        examples: ['narrowcast ingest check ./games.mts'],
      },
    ],
  },
]
