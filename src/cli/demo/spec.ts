import type { CommandSpec } from '../tree/types.ts'

export const demoSpec: CommandSpec = {
  name: 'demo',
  summary: 'the 30-second proof: players, 4 workers, one killed, files read again',
  access: 'rw',
  prints: ['demo', 'demo.result'],
  exits: [8, 9],
  flags: [
    { flags: '--seed <n>', text: 'heroes and plan of the games, default 7' },
    {
      flags: '--dir <folder>',
      text: 'default .narrowcast/demo; one that holds something is left alone, NAME-2 is taken',
    },
    { flags: '--port <n>', text: 'of the game server, default a free one' },
    { flags: '--play <time>', text: 'how long the games are stretched, default 22s' },
  ],
  examples: ['narrowcast demo', 'narrowcast demo --seed 42', 'narrowcast demo --json 2>/dev/null'],
  notes: [
    'Ten bots play 50 games, four worker processes write each of them to two Parquet files.',
    'One worker is killed with SIGKILL while it holds two games. Then all files are read again.',
    'Exit 0: KEPT. 8: BROKEN. 9: not everything could be tried.',
    'NARROWCAST_DEMO_BUG=ack-before-write makes the workers ack too early, to see BROKEN.',
  ],
}
