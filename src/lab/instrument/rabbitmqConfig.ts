import type { Config } from './withoutSecrets.ts'

type Value =
  | string
  | number
  | boolean
  | null
  | readonly Value[]
  | { readonly [name: string]: Value }

/** The server, and the log that quorum queues are kept in. All else serves these, or is not in use. */
const applications = ['rabbit', 'ra'] as const

/**
 * All settings in force, of what `rabbitmqctl environment --formatter json` prints: no client is told
 * them. `rabbit.consumer_timeout`, `ra.wal_max_size_bytes`; secrets and paths among them.
 */
export function rabbitmqConfig(printed: string): Config {
  const all = JSON.parse(printed) as Readonly<Record<string, Value>>
  return Object.fromEntries(applications.flatMap((name) => settingsIn(name, all[name] ?? {})))
}

function settingsIn(name: string, value: Value): (readonly [string, string])[] {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([part, inner]) => settingsIn(`${name}.${part}`, inner))
  }
  const text = textIn(value)
  return [[name, text ?? (typeof value === 'string' ? value : JSON.stringify(value))]]
}

/** Erlang has no other texts than lists of characters, and prints them as it prints numbers. */
function textIn(value: Value): string | null {
  if (!Array.isArray(value) || value.length === 0) return null
  const isText = value.every((one) => Number.isInteger(one) && one >= 32 && one <= 126)
  return isText ? String.fromCharCode(...(value as number[])) : null
}
