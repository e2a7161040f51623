import type { CommandSpec } from './types.ts'

export const topCommand: CommandSpec = {
  name: 'top',
  summary: 'live view of channels and readers',
  access: 'ro',
  streams: true,
  flags: [
    { flags: '--interval <time>', text: 'between two looks, default 1s, at least 200ms' },
    { flags: '--count <n>', text: 'end after so many looks' },
  ],
  examples: ['narrowcast top', 'narrowcast top --interval 5s --count 12 --json'],
  notes: [
    'Without a terminal on stdout, with --no-live and with --json: one object per look.',
    'Rates marked ~ are what processes tell of themselves, where the backend counts nothing.',
    'Readers: one mark each, hollow where it is silent or not ready; more than ten are a number.',
    'At most 1,000 channels, the first by name; those with most waiting stand first.',
  ],
}
