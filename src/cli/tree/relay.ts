import type { CommandSpec } from './types.ts'

export const relayCommand: CommandSpec = {
  name: 'relay',
  args: ['<channel>'],
  summary: 'stand between publishers and workers of a narrowcast',
  access: 'rw',
  streams: true,
  prints: [
    'relay',
    'relay.started',
    'relay.leads',
    'relay.stands-by',
    'relay.no-worker',
    'relay.summary',
  ],
  flags: [
    {
      flags: '--strategy <name>',
      text: 'how a worker is chosen, default random',
      choices: ['random', 'roundRobin', 'leastBusy', 'sticky'],
    },
    {
      flags: '--hold <n,time>',
      text: 'while no worker is there the newest n wait in memory, each for so long: 1000,5s',
    },
  ],
  examples: [
    "narrowcast relay player.direct -u 'file:./.narrowcast/store?narrowcast=relay'",
    'narrowcast relay player.direct --strategy leastBusy --hold 1000,5s',
  ],
  notes: [
    'Each message goes to one live worker, at most once; one that finds none is counted and told.',
    'For channels by relay: ?narrowcast=relay in the URL of their publishers. By default these choose.',
    'Several may run: one leads, the others stand by and take over within 3 s.',
    'A channel that is not there is made with --pattern narrowcast, or where the project file names it.',
  ],
}
