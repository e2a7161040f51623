import type { Argument } from './connection.ts'

/** The keys that a command of ours was given. */
export function keysOf([name, first, count, ...rest]: readonly Argument[]): string[] {
  const isScript = name === 'EVALSHA' || name === 'EVAL'
  const hasWord = name === 'XINFO' || name === 'XGROUP' // a word stands before the key
  const keys = isScript ? rest.slice(0, Number(count)) : [hasWord ? count : first]
  return keys.filter((key) => key !== undefined).map(String)
}

/** What lies under which of these keys, of those that are there. */
export function wrongTypeText(keys: readonly string[], types: readonly string[]): string {
  const held = keys.flatMap((key, at) =>
    types[at] === 'none' ? [] : [`"${key}" is a ${types[at]}`],
  )
  const what = held.length > 1 ? 'keys, one of which' : 'a key that'
  return `met ${what} holds something else than it should: ${held.join(', ')}`
}
