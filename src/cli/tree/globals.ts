import type { FlagSpec } from './types.ts'

/** Before or after the subcommand. `isCommon`: shown in every help, the rest with --help-all. */
export const globalFlags: readonly (FlagSpec & { readonly isCommon?: boolean })[] = [
  {
    flags: '-u, --url <url>',
    text: 'the backend, for example file:./.narrowcast/store, or the name of a context',
    env: 'NARROWCAST_URL',
    isCommon: true,
  },
  {
    flags: '--url-file <file>',
    text: 'read the URL from a file, which keeps a password out of sight',
  },
  {
    flags: '-c, --context <name>',
    text: 'the named connection; "none" uses none. --url replaces its URL alone',
    env: 'NARROWCAST_CONTEXT',
  },
  {
    flags: '--config <file>',
    text: 'project file to use; "none" ignores it',
    env: 'NARROWCAST_CONFIG',
  },
  {
    flags: '--pattern <pattern>',
    text: 'of the channel',
    choices: ['broadcast', 'narrowcast', 'queue', 'stream'],
  },
  {
    flags: '-o, --output <format>',
    text: 'stdout as text, wide, json, ndjson, csv, md or none',
    choices: ['text', 'wide', 'json', 'ndjson', 'csv', 'md', 'none'],
    env: 'NARROWCAST_OUTPUT',
  },
  {
    flags: '--json',
    text: 'stdout as JSON; one object per line for commands that stream',
    isCommon: true,
  },
  { flags: '-q, --quiet', text: 'less on stderr; stdout does not change' },
  { flags: '-v, --verbose', text: 'more on stderr: causes and where settings come from' },
  { flags: '--no-color', text: 'no colour', env: 'NO_COLOR' },
  { flags: '--ascii', text: 'only ASCII characters in what narrowcast draws' },
  { flags: '--width <columns>', text: 'width of text on stdout; default that of the terminal' },
  {
    flags: '--no-live',
    text: 'plain lines instead of updates in place',
    env: 'NARROWCAST_NO_LIVE',
  },
  { flags: '--no-input', text: 'never ask a question' },
  { flags: '-y, --yes', text: 'answer the question of a moderate change with yes' },
  { flags: '--confirm <name>', text: 'the name of what a severe change takes away' },
  { flags: '-n, --dry-run', text: 'say what would change, and change nothing' },
  { flags: '--read-only', text: 'refuse every change', env: 'NARROWCAST_READ_ONLY' },
  {
    flags: '--timeout <time>',
    text: 'limit for connecting and for one answer, default 10s',
    env: 'NARROWCAST_TIMEOUT',
  },
  { flags: '--utc', text: 'times in UTC' },
  {
    flags: '--env-file <file>',
    text: 'read variables from a file; those that are set win. Node looks for it too: a missing one ends in exit 9',
  },
]
