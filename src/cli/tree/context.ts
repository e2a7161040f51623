import { colours } from '../contexts/colours.ts'
import type { CommandSpec } from './types.ts'

/** Named connections. They are files of this user; no backend is asked. */
export const contextCommand: CommandSpec = {
  name: 'context',
  summary: 'named connections',
  access: 'rw',
  examples: ['narrowcast context ls'],
  commands: [
    {
      name: 'ls',
      summary: 'all contexts, and which one is in use',
      access: 'ro',
      isLocal: true,
      examples: ['narrowcast context ls'],
    },
    {
      name: 'add',
      args: ['<name>', '[url]'],
      summary: 'name a connection; without URL that of --url-file',
      access: 'rw',
      isLocal: true,
      flags: [
        { flags: '--environment <name>', text: 'shown wherever a change asks for a yes' },
        { flags: '--colour <colour>', text: 'of the environment', choices: colours },
        { flags: '--protect', text: 'refuse every change through it' },
        {
          flags: '--password-command <command>',
          text: 'run when connecting; what it prints is the password',
        },
        { flags: '--replace', text: 'take the place of the context of that name' },
      ],
      examples: [
        'narrowcast context add dev file:./.narrowcast/store',
        'narrowcast context add prod file:/var/lib/shop/store --environment production --colour red --protect',
      ],
      notes: [
        'The file is $XDG_CONFIG_HOME/narrowcast/contexts/NAME.json, readable by you alone.',
        'A file that others may read is refused.',
      ],
    },
    {
      name: 'use',
      args: ['<context>'],
      summary: 'choose the context for all commands; "-" the one before, "none" none',
      access: 'rw',
      isLocal: true,
      exits: [4],
      examples: ['narrowcast context use prod', 'narrowcast context use -'],
      notes: [
        'Its URL gives way to flags, variables and the project file. What protects it does not.',
      ],
    },
    {
      name: 'show',
      args: ['[context]'],
      summary: 'one context, without its secrets; the one in use unless named',
      access: 'ro',
      isLocal: true,
      exits: [4],
      examples: ['narrowcast context show prod'],
    },
    {
      name: 'rm',
      args: ['<context>'],
      summary: 'forget a context',
      access: 'rw',
      isLocal: true,
      exits: [4],
      flags: [{ flags: '--if-exists', text: '"not there" is a success' }],
      examples: ['narrowcast context rm prod --yes'],
    },
  ],
}
