import { dead } from './dead.ts'
import { dedupe } from './dedupe.ts'
import type { CommandSpec, FlagSpec } from './types.ts'

const ifExists: FlagSpec = { flags: '--if-exists', text: '"not there" is a success' }
const place = 'first, end, #POSITION, a message id, a time, or an age such as 10m'

const channels: CommandSpec = {
  name: 'channels',
  summary: 'list, make, pause and remove channels',
  access: 'ro',
  examples: ['narrowcast channels ls'],
  commands: [
    {
      name: 'ls',
      args: ['[prefix]'],
      summary: 'all channels, with what waits in them',
      access: 'ro',
      flags: [
        {
          flags: '--sort <column>',
          text: 'default name',
          choices: ['name', 'waiting', 'flight', 'dead', 'oldest'],
        },
        { flags: '--limit <n>', text: 'default 1000' },
      ],
      examples: ['narrowcast channels ls --sort oldest', 'narrowcast channels ls combat. --json'],
    },
    {
      name: 'show',
      args: ['<channel>'],
      summary: 'one channel: counts, groups, what the backend promises for it',
      access: 'ro',
      examples: ['narrowcast channels show hello'],
    },
    {
      name: 'create',
      args: ['<channel>'],
      summary: 'make a channel; the same again is fine',
      access: 'rw',
      flags: [dedupe],
      examples: [
        'narrowcast channels create combat.events --pattern stream',
        'narrowcast channels create orders --dedupe 10m',
      ],
      notes: ['The pattern is queue unless --pattern or the project file says otherwise.'],
    },
    {
      name: 'rm',
      args: ['<channel>'],
      summary: 'remove a channel with all that is in it',
      access: 'destructive',
      flags: [ifExists],
      examples: ['narrowcast channels rm hello --confirm hello'],
    },
    {
      name: 'purge',
      args: ['<channel>'],
      summary: 'remove what waits; what is in flight stays',
      access: 'destructive',
      flags: [ifExists],
      examples: ['narrowcast channels purge hello --confirm hello'],
    },
    {
      name: 'pause',
      args: ['<channel>'],
      summary: 'readers get nothing more; publishing goes on',
      access: 'rw',
      examples: ['narrowcast channels pause hello'],
    },
    {
      name: 'resume',
      args: ['<channel>'],
      summary: 'the end of a pause',
      access: 'rw',
      examples: ['narrowcast channels resume hello'],
    },
  ],
}

const messages: CommandSpec = {
  name: 'messages',
  summary: 'list, show, search and remove messages',
  access: 'ro',
  examples: ['narrowcast messages ls hello'],
  commands: [
    {
      name: 'ls',
      args: ['<channel>'],
      summary: 'one page of messages',
      access: 'ro',
      flags: [
        { flags: '--limit <n>', text: 'default 20, at most 1000' },
        { flags: '--cursor <cursor>', text: 'where the page before ended' },
        { flags: '--from <place>', text: `oldest first from there: ${place}` },
      ],
      examples: ['narrowcast messages ls hello --limit 50'],
      notes: ['Newest first, unless --from is given, which begins with the message that it names.'],
    },
    {
      name: 'show',
      args: ['<channel>', '<id>'],
      summary: 'one message whole: data, headers, attempts',
      access: 'ro',
      examples: ['narrowcast messages show hello 01a1f8d3-ea00-7c2b-9d41-6f02c1a93b7e'],
      notes: [
        'ID may be the end of one, as tables print it (looked for in the newest 10,000), or #POSITION.',
        'An id that several messages have is refused: the positions are listed, one of them is to be taken.',
      ],
    },
    {
      name: 'search',
      args: ['<channel>'],
      summary: 'a bounded scan that can be continued',
      access: 'ro',
      flags: [
        { flags: '--where <expr>', text: 'what to find: data.hero == "Granite" && data.n > 9' },
        { flags: '--limit <n>', text: 'stop after so many matches, default 100' },
        { flags: '--budget <time>', text: 'stop after this time, default 2s' },
        { flags: '--cursor <cursor>', text: 'where the search before stopped' },
      ],
      examples: [`narrowcast messages search hello --where 'data.n > 90 && key in ["a", "b"]'`],
      notes: [
        'Words: data.…, headers.…, id, key, type, source, time, attempt. Operators: == != < > <= >=',
        '&& || ! in contains, brackets, strings, numbers, true, false, null, lists.',
      ],
    },
    {
      name: 'rm',
      args: ['<channel>', '<id>'],
      summary: 'remove one message that nobody has in hand',
      access: 'destructive',
      flags: [ifExists],
      examples: [
        'narrowcast messages rm hello 01a1f8d3-ea00-7c2b-9d41-6f02c1a93b7e --confirm hello',
      ],
      notes: ['Of several messages with this id the oldest goes, and the rest is told.'],
    },
  ],
}

const groups: CommandSpec = {
  name: 'groups',
  summary: 'list, show, move and remove the groups of a stream',
  access: 'ro',
  examples: ['narrowcast groups ls combat.events'],
  commands: [
    {
      name: 'ls',
      args: ['<channel>'],
      summary: 'all groups of a stream, with their lag',
      access: 'ro',
      examples: ['narrowcast groups ls combat.events'],
    },
    {
      name: 'show',
      args: ['<channel>', '<group>'],
      summary: 'one group',
      access: 'ro',
      examples: ['narrowcast groups show combat.events billing'],
    },
    {
      name: 'seek',
      args: ['<channel>', '<group>'],
      summary: 'move a group back or forth',
      access: 'rw',
      flags: [{ flags: '--to <place>', text: `needed: ${place}` }],
      examples: ['narrowcast groups seek combat.events billing --to 2h --yes'],
      notes: [
        '#POSITION and ids mean: go on after that message. What readers hold now is lost to them.',
      ],
    },
    {
      name: 'rm',
      args: ['<channel>', '<group>'],
      summary: 'forget a group and its position',
      access: 'destructive',
      flags: [ifExists],
      examples: ['narrowcast groups rm combat.events billing --confirm billing'],
    },
  ],
}

const stats: CommandSpec = {
  name: 'stats',
  args: ['[channel]'],
  summary: 'counts and rates, taken from two looks',
  access: 'ro',
  flags: [
    { flags: '--over <time>', text: 'time between the two looks, default 1s' },
    {
      flags: '--prometheus',
      text: 'Prometheus text of channels and workers; not with --json, --output or --over',
    },
    { flags: '--for <time>', text: '--prometheus: how long to listen to workers, default 5.5s' },
  ],
  examples: ['narrowcast stats', 'narrowcast stats hello --over 5s --json'],
}

/** Commands that look into a backend and repair it. */
export const lookCommands: readonly CommandSpec[] = [channels, messages, dead, groups, stats]
