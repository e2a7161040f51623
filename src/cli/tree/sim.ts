import type { CommandSpec, FlagSpec } from './types.ts'

const seed: FlagSpec = { flags: '--seed <n>', text: 'chooses heroes, pairings and hits, default 7' }
const turn: FlagSpec = {
  flags: '--turn <time>',
  text: 'pause before each turn, for people who watch',
}
const heroes: FlagSpec = {
  flags: '--heroes <file>',
  text: 'heroes of the public superhero format instead of our own',
}
const port: FlagSpec = { flags: '--port <n>', text: 'of the game server; 0 takes a free one' }
const players: FlagSpec = { flags: '--players <n>', text: 'default 10' }
const games: FlagSpec = { flags: '--games <n>', text: 'at least so many, default 50' }
const records: readonly FlagSpec[] = [
  {
    flags: '--finished <who>',
    text: 'who gets a record of a finished game',
    choices: ['host', 'all'],
  },
  { flags: '--events', text: 'every hit also goes to the stream combat.events' },
]
const processes: FlagSpec = {
  flags: '--processes <n>',
  text: 'over which the bots are spread, default one each',
}

const kept: readonly string[] = [
  'Finished games that the backend does not take wait in .narrowcast/spool, and are sent by the',
  'next start with this URL in this folder. Exit 3: some wait there. 1: records are lost.',
]

/** The superhero combat simulator as a load. */
export const simCommand: CommandSpec = {
  name: 'sim',
  summary: 'the superhero combat simulator as a load',
  access: 'rw',
  examples: ['narrowcast sim run --games 50'],
  commands: [
    {
      name: 'server',
      summary: 'the WebSocket game server; its records go to the backend',
      access: 'rw',
      streams: true,
      prints: ['sim.server', 'sim.server.summary'],
      flags: [
        port,
        { flags: '--host <address>', text: 'default 127.0.0.1' },
        turn,
        { flags: '--lobby-timeout <time>', text: 'of a lobby that does not fill, default 5s' },
        {
          flags: '--state <where>',
          text: 'of the games: memory (default), or redis://host:port, which servers share',
        },
        {
          flags: '--state-expiry <time>',
          text: 'how long Redis keeps a finished game, default 30s',
        },
        {
          flags: '--processes <n>',
          text: 'server processes on one port and one --state, default 1',
        },
        seed,
        heroes,
        ...records,
      ],
      examples: [
        'narrowcast sim server',
        'narrowcast sim server --port 5679 --turn 50ms --events',
        'narrowcast sim server --state redis://localhost:6379 --processes 2',
      ],
      notes: [
        'Channels: lib.server.lobby (joins, starts, ends), lib.server.game (hits).',
        ...kept,
        'With a state in Redis a finished game waits there instead, for any server that shares it.',
      ],
    },
    {
      name: 'bots',
      args: ['[server]'],
      summary: 'players as processes, against a server that runs',
      access: 'rw',
      isLocal: true,
      exits: [3],
      flags: [
        players,
        games,
        {
          flags: '--name <text>',
          text: 'their names begin with it: bot-01 and so on unless given',
        },
        processes,
        seed,
      ],
      examples: [
        'narrowcast sim bots --players 10',
        'narrowcast sim bots --players 1 --games 20 --name ada',
        'narrowcast sim bots ws://127.0.0.1:5679 --games 200',
      ],
      notes: [
        'SERVER is ws://127.0.0.1:5678 unless given.',
        'A single player asks for duels only, with players of other calls: each call needs a --name',
        'of its own, for one name is one player. A game that nobody joins is given up after 15 s.',
      ],
    },
    {
      name: 'run',
      summary: 'server and bots, or the engine alone',
      access: 'rw',
      flags: [
        players,
        games,
        { flags: '--engine', text: 'whole games in memory, without sockets: the fast source' },
        { flags: '--rate <n>', text: '--engine: at most so many games a second' },
        processes,
        port,
        turn,
        seed,
        heroes,
        ...records,
      ],
      examples: ['narrowcast sim run --games 50', 'narrowcast sim run --engine --games 100000'],
      notes: [
        '--engine publishes finished games only, to lib.server.lobby, and waits for the broker.',
        ...kept,
      ],
    },
    {
      name: 'heroes',
      summary: 'the heroes that come with it',
      access: 'ro',
      isLocal: true,
      args: [],
      examples: ['narrowcast sim heroes', 'narrowcast sim heroes import superhero.json'],
      commands: [
        {
          name: 'import',
          args: ['<file>'],
          summary: 'read heroes of the public superhero format, as --heroes would',
          access: 'ro',
          isLocal: true,
          exits: [4],
          examples: ['narrowcast sim heroes import superhero.json'],
        },
      ],
    },
  ],
}
