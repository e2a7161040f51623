import type { CommandSpec, FlagSpec } from './types.ts'

const group: FlagSpec = { flags: '--group <name>', text: 'dead letters of this group of a stream' }
const time = 'a time such as 18:30, or an age such as 10m'
/** Which dead letters are meant; all that are given must fit. */
const filters: readonly FlagSpec[] = [
  { flags: '--where <expr>', text: 'only what fits: error contains "timeout" && data.n > 9' },
  {
    flags: '--cause <cause>',
    text: 'only what died of this',
    choices: ['failures', 'crashes', 'verdict', 'invalid'],
  },
  { flags: '--reason <text>', text: 'only where the error or reason has this in it, in any case' },
  { flags: '--since <time>', text: `only what died since then: ${time}` },
  { flags: '--before <time>', text: 'only what died before' },
  { flags: '--job <job>', text: 'only what this redrive job has sent, and died again' },
  group,
]
const chosen: readonly FlagSpec[] = [
  { flags: '--all', text: 'all of them; default when nothing else says which' },
  {
    flags: '--id <id>',
    text: 'this one: its id, the end of it, or #REF as -o wide prints it',
    repeats: true,
  },
  ...filters,
]

const redrive: CommandSpec = {
  name: 'redrive',
  args: ['[channel]'],
  summary: 'send dead letters back to where they died',
  access: 'rw',
  exits: [8],
  flags: [
    ...chosen,
    { flags: '--to <channel>', text: 'to this channel instead, for all who read it' },
    { flags: '--rate <n>', text: 'messages a second, default 50; 50/s is fine too' },
    { flags: '--max <n>', text: 'the oldest n; default and at most 100000' },
    {
      flags: '--redrives-max <n>',
      text: 'leave out what was redriven so often and died each time, default 3',
    },
    {
      flags: '--stop-if <share>',
      text: 'stop when more than this share died again, default 5%; 100% never stops',
    },
    {
      flags: '--resume <job>',
      text: 'go on with a job that was cancelled, stopped or interrupted',
    },
  ],
  examples: [
    'narrowcast dead redrive hello --dry-run',
    `narrowcast dead redrive hello --where 'error contains "timeout"' --yes`,
    'narrowcast dead redrive hello --cause failures --since 2h --rate 10',
  ],
  notes: [
    'Attempts start again at 0, the redrive count goes up by 1. Ctrl-C ends it in between.',
    'A message leaves the dead letters once it is stored, so nothing is lost, whatever is killed. The job goes on with --resume.',
    'What dies again while it runs is not part of it. Exit 8: too many died again.',
  ],
}

export const dead: CommandSpec = {
  name: 'dead',
  summary: 'list, show, send back and remove dead letters',
  access: 'ro',
  examples: ['narrowcast dead ls', 'narrowcast dead ls hello'],
  commands: [
    {
      name: 'ls',
      args: ['[channel]'],
      summary: 'grouped by cause; --list one line each',
      access: 'ro',
      flags: [
        ...filters,
        { flags: '--list', text: 'one line each; with --json beside the causes, the newest 1000' },
        { flags: '--limit <n>', text: 'look at so many, default 10000; one line each: 1000' },
      ],
      examples: [
        'narrowcast dead ls',
        'narrowcast dead ls hello',
        'narrowcast dead ls hello -o wide',
      ],
      notes: [
        'Without a channel all channels are looked at. Reasons that differ in numbers and ids only are one cause.',
      ],
    },
    {
      name: 'show',
      args: ['<channel>', '[id]'],
      summary: 'dead letters whole: cause, history, data',
      access: 'ro',
      flags: [
        ...filters,
        { flags: '--limit <n>', text: 'default 10' },
        { flags: '--raw', text: 'the bytes of one message as they were published, nothing else' },
      ],
      examples: [
        'narrowcast dead show hello --limit 1',
        "narrowcast dead show hello '#3'",
        "narrowcast dead show hello '#3' --raw > message.bin",
      ],
      notes: ['ID may be the end of one, or #REF as -o wide prints it.'],
    },
    redrive,
    {
      name: 'jobs',
      args: ['[job]'],
      summary: 'redrive jobs of this folder: how far they are, what died again',
      access: 'ro',
      examples: ['narrowcast dead jobs'],
      notes: ['The files of jobs lie in .narrowcast/redrives.'],
    },
    {
      name: 'cancel',
      args: ['<job>'],
      summary: 'end a redrive job, also one of another process',
      access: 'rw',
      examples: ['narrowcast dead cancel r_k3xq7a --yes'],
      notes: ['It ends between two steps, and goes on with narrowcast dead redrive --resume JOB.'],
    },
    {
      name: 'purge',
      args: ['<channel>'],
      summary: 'remove dead letters for good',
      access: 'destructive',
      flags: [...chosen],
      examples: ['narrowcast dead purge hello --confirm hello'],
    },
  ],
}
