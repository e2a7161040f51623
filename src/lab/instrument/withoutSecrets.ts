import { createHash } from 'node:crypto'

export type Config = Readonly<Record<string, string>>

const secret = /(pass|password|passphrase|auth|user|username|secret|token)$/
/** What differs between two machines, or two starts, with the same settings. */
const place =
  /^(bind|replicaof|slaveof|unixsocket|dir)\b|(^|-)(dir|port|ip|hostname|nodename|file|logfile|pidfile|aclfile)$|[._]tcp_listeners$|(^|\.)listeners$|\.voters$|^node\.id$|^broker\.id$/

/**
 * A configuration that can be shown to everybody, in the order of its names. A secret that is set
 * is seen as `***`; a host, port or path as `(local)`.
 */
export function withoutSecrets(config: Config): Config {
  const shown = Object.entries(config).map(([name, value]) => [name, shownValue(name, value)])
  return Object.fromEntries(shown.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))
}

function shownValue(name: string, value: string): string {
  if (value === '' || value === '0') return value
  if (secret.test(name)) return '***'
  return place.test(name) || value.startsWith('/') ? '(local)' : value
}

/** Of what `withoutSecrets` gives: the same for the same settings, wherever the broker runs. */
export function configSha256(shown: Config): string {
  const lines = Object.entries(shown).map(([name, value]) => `${name} ${value}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

/** Of several servers: `yes | no` where they differ. */
export function joined(configs: readonly Config[]): Config {
  const names = new Set(configs.flatMap((config) => Object.keys(config)))
  const valuesFor = (name: string) => new Set(configs.map((config) => config[name] ?? ''))
  return Object.fromEntries([...names].map((name) => [name, [...valuesFor(name)].join(' | ')]))
}
