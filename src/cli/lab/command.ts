import { redactUrl } from '../../core/url.ts'
import type { Report } from '../../lab/report/types.ts'
import type { Flags } from '../flags.ts'
import type { Invocation } from '../invocation.ts'
import { shellWord } from '../output/shellWord.ts'
import { seedOf } from './loadFlags.ts'
import type { Subject } from './subject.ts'

const loadNames = [
  ...['messages', 'rate', 'workers', 'producers', 'concurrency', 'handler', 'keys', 'bytes'],
] as const

export function expectedOf(flags: Flags): Report['expected'] {
  return flags.text('expect') === undefined ? null : 'at-least-once'
}

/** Of what is run on several backends. */
export function manyCommandOf({ command, args, flags }: Invocation): string {
  const names = ['on', 'pattern', ...loadNames, 'expect', 'repeats', 'seed']
  const given = names.flatMap((name) =>
    flags.list(name).map((value) => `--${name} ${shellWord(redactUrl(value))}`),
  )
  const switches = ['quick', 'rigorous'].filter((name) => flags.isSet(name))
  const on = switches.map((name) => `--${name}`)
  return ['narrowcast', command, ...args, ...given, ...on].join(' ')
}

/** The line that repeats one run, without a secret. `scenario`: null: that of --spec. */
export function commandOf(
  { flags }: Invocation,
  scenario: string | null,
  { backend, pattern, profile, url }: Subject,
): string {
  const names = ['net', 'spec', ...loadNames, 'episodes', 'expect']
  const given = names.flatMap((name) => {
    const value = flags.text(name)
    return value === undefined ? [] : [`--${name} ${shellWord(value)}`]
  })
  const own = `${backend}:${pattern}${profile === 'default' ? '' : `@${profile}`}`
  const on =
    url === null ? [`--on ${own}`] : [`--on ${shellWord(redactUrl(url))}`, `--pattern ${pattern}`]
  const words = ['narrowcast lab run', ...(scenario === null ? [] : [scenario]), ...on]
  return [...words, ...given, `--seed ${seedOf(flags)}`].join(' ')
}
