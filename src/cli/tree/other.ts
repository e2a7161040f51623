import { contextCommand } from './context.ts'
import { simCommand } from './sim.ts'
import type { CommandSpec } from './types.ts'

/** Everything else. */
export const otherCommands: readonly CommandSpec[] = [
  simCommand,
  {
    name: 'contract',
    args: ['[backends...]'],
    summary: 'what a backend promises at most, as data',
    access: 'ro',
    isLocal: true,
    exits: [4, 6],
    flags: [
      {
        flags: '--require <fact>',
        text: 'exit 6 unless it holds: delivery=at-least-once, survives=power-loss, replay',
        repeats: true,
      },
    ],
    examples: [
      'narrowcast contract',
      'narrowcast contract file memory --pattern queue',
      'narrowcast contract file --pattern stream --require survives=broker-crash',
      'narrowcast contract redis://localhost?queue=stream --pattern queue',
    ],
    notes: [
      'Of a URL it is what its settings leave of that. A server is asked for its own; nothing is made.',
    ],
  },
  {
    name: 'bench',
    args: ['[url]'],
    summary: 'throughput and latency of one backend at rising rates',
    access: 'rw',
    flags: [
      { flags: '--for <time>', text: 'at each rate, default 10s' },
      { flags: '--size <bytes>', text: 'of the data of a message, default 300B' },
      { flags: '--rate <n>', text: 'messages a second to begin with, default 250' },
      { flags: '--p99 <time>', text: 'the latency that is still kept up, default 1s' },
    ],
    examples: [
      'narrowcast bench file:./.narrowcast/store --for 2s',
      'narrowcast bench --pattern stream --size 2KiB --json',
    ],
    notes: [
      'Messages leave when they are due, whatever became of those before: latency counts from then.',
      'The rate doubles until less than 95 % arrive in time, or p99 is above --p99.',
      'The channel is its own, bench.TIME.RANDOM, and is removed afterwards, after Ctrl-C too.',
    ],
  },
  {
    name: 'doctor',
    args: ['[url]'],
    summary: 'Node, disk, ports, clock, broker, permissions',
    access: 'ro',
    examples: ['narrowcast doctor', 'narrowcast doctor file:/var/lib/app/store'],
  },
  {
    name: 'init',
    args: ['[dir]'],
    summary: 'a project file, a producer and a worker, of at most 15 lines each',
    access: 'rw',
    isLocal: true,
    flags: [{ flags: '--channel <name>', text: 'default hello' }],
    examples: ['narrowcast init', 'narrowcast init shop --channel orders --yes'],
    notes: [
      'Writes narrowcast.config.mts, publish.mts and work.mts; nothing that is there is written over.',
      'On a terminal it asks for the channel and the backend, unless --yes is given.',
    ],
  },
  contextCommand,
  {
    name: 'config',
    summary: 'effective settings',
    access: 'ro',
    examples: ['narrowcast config show --origin'],
    commands: [
      {
        name: 'show',
        summary: 'every setting with its value',
        access: 'ro',
        isLocal: true,
        flags: [{ flags: '--origin', text: 'where each value comes from' }],
        examples: ['narrowcast config show --origin'],
      },
      {
        name: 'check',
        summary: 'read the project file and say what is wrong with it',
        access: 'ro',
        isLocal: true,
        examples: ['narrowcast config check'],
      },
      {
        name: 'path',
        summary: 'the project file in use',
        access: 'ro',
        isLocal: true,
        exits: [4],
        examples: ['narrowcast config path'],
      },
    ],
  },
  {
    name: 'completion',
    args: ['<shell>'],
    summary: 'the completion script for bash, zsh, fish or pwsh',
    access: 'ro',
    isLocal: true,
    examples: [
      'narrowcast completion bash > ~/.local/share/bash-completion/completions/narrowcast',
      'narrowcast completion fish > ~/.config/fish/completions/narrowcast.fish',
    ],
  },
  {
    name: 'help',
    args: ['[words...]'],
    summary: 'of a command, all error codes, or one of them',
    access: 'ro',
    isLocal: true,
    exits: [4],
    prints: ['help', 'help.command', 'help.errors', 'help.error', 'help.schemas', 'help.schema'],
    flags: [
      {
        flags: '--schema [type]',
        text: 'the JSON Schema of what has this type; without TYPE all types',
      },
    ],
    examples: [
      'narrowcast help publish',
      'narrowcast help errors',
      'narrowcast help TIMEOUT',
      'narrowcast help --json',
      'narrowcast help --schema channels.ls',
    ],
    notes: [
      '--json prints the whole tree: flags, types and exit codes of every command, and whether it changes something.',
    ],
  },
  {
    name: '__complete',
    args: ['[words...]'],
    summary: 'candidates for the last of the words',
    access: 'ro',
    hidden: true,
    isLocal: true,
    prints: [],
    examples: ['narrowcast __complete -- publish ""'],
  },
]
