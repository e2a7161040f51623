import type { CommandSpec, FlagSpec } from './types.ts'

const listenFor: FlagSpec = {
  flags: '--for <time>',
  text: 'how long to listen, default 5.5s: an idle process tells every 5s',
}

/** Commands that hear what processes tell of themselves. */
export const telemetryCommands: readonly CommandSpec[] = [
  {
    name: 'workers',
    summary: 'who works, on what, and how it goes',
    access: 'ro',
    examples: ['narrowcast workers ls'],
    commands: [
      {
        name: 'ls',
        summary: 'every worker that tells of itself',
        access: 'ro',
        flags: [listenFor],
        examples: ['narrowcast workers ls', 'narrowcast workers ls --json'],
        notes: [
          'A worker is silent after three missing tellings, and gone after 30 seconds.',
          'Programs that connect with telemetry: false are not seen.',
        ],
      },
      {
        name: 'show',
        args: ['<worker>'],
        summary: 'one worker, and what it has in hand',
        access: 'ro',
        flags: [listenFor],
        exits: [4],
        examples: ['narrowcast workers show w1'],
        notes: ['WORKER is an id, or how it begins.'],
      },
    ],
  },
]
