import type { CommandSpec, FlagSpec } from './types.ts'

const listenFor: FlagSpec = {
  flags: '--for <time>',
  text: 'how long to listen, default 5.5s: an idle process tells every 5s',
}

const ending = [
  'WORKER is an id, or how it begins. It is waited for until it is gone: --timeout, default 30s.',
  'Only a worker that was started with --control obeys, or in a program with control: true.',
]

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
      {
        name: 'drain',
        args: ['<worker>'],
        summary: 'let a worker end what it has in hand, and end it',
        access: 'rw',
        flags: [listenFor],
        examples: ['narrowcast workers drain w1 --yes'],
        notes: [
          ...ending,
          'What has not begun goes back. Handlers get 10 s, then they are aborted.',
        ],
      },
      {
        name: 'stop',
        args: ['<worker>'],
        summary: 'end a worker at once; what it has in hand goes back',
        access: 'rw',
        flags: [listenFor],
        examples: ['narrowcast workers stop w1 --yes'],
        notes: [...ending, 'Handlers are aborted. What goes back costs no attempt.'],
      },
    ],
  },
]
