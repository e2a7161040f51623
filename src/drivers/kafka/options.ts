import { type BrokerUrl, commonOptions, parseBrokerUrl, parseDurationMs } from '../../core/url.ts'
import { nearest } from '../_shared/nearest.ts'
import { type Address, checkWritten, serverPlaceOf } from '../_shared/serverPlace.ts'
import { type TlsFiles, tlsOf, tlsOptions } from '../_shared/tlsFiles.ts'
import { kafkaError } from './kafkaErrors.ts'

export interface KafkaOptions {
  /**
   * `kafka://user:password@host:port`, `kafkas:` for TLS. Several hosts are nodes of one cluster: one
   * that answers tells of all others. A password may also be in `password`, so that it need not be in
   * a URL.
   */
  readonly url: string
  readonly password?: string
}

const mechanisms = {
  plain: 'PLAIN',
  'scram-256': 'SCRAM-SHA-256',
  'scram-512': 'SCRAM-SHA-512',
} as const

export interface KafkaLogin {
  readonly mechanism: (typeof mechanisms)[keyof typeof mechanisms]
  readonly username: string
  readonly password: string
}

/** What a URL says, taken apart. */
export interface KafkaTarget {
  readonly addresses: readonly Address[]
  /** Null: without one. */
  readonly login: KafkaLogin | null
  /** Null: without TLS. */
  readonly tls: TlsFiles | null
  /** Without a sign of life for so long a worker is gone. */
  readonly sessionMs: number
  /** What a topic must have at least; null: any number will do, and 6 are made. */
  readonly partitions: number | null
  /** What its partitions must have at least; null: any number, and as many as the cluster makes by itself. */
  readonly replicas: number | null
  /** What the node says of its own address is not believed: the one of the URL leads to it. */
  readonly isBehind: boolean
}

const known = ['sasl', 'session', 'partitions', 'replicas', 'advertised', ...tlsOptions] as const
export const sessionMsDefault = 10_000
const example =
  'Expected for example kafka://localhost:9092 or kafkas://user:password@a:9093,b:9093?sasl=scram-512.'

/** @throws INVALID_CONFIG */
export function targetOfOptions({ url, password }: KafkaOptions): KafkaTarget {
  if (typeof url !== 'string' || !/^kafkas?:/i.test(url)) throw invalid('no URL', example)
  if (password !== undefined && typeof password !== 'string') {
    throw invalid(`password is a ${typeof password}; expected a string`)
  }
  return targetOf(parseBrokerUrl(url), password)
}

/** @throws INVALID_CONFIG, naming what is wrong and the nearest option. */
export function targetOf({ scheme, rest, options }: BrokerUrl, password?: string): KafkaTarget {
  checkWritten(rest, options, known, invalid)
  const unknown = [...options.keys()].find((name) => !(known as readonly string[]).includes(name))
  if (unknown !== undefined) {
    const all = [...known, ...commonOptions]
    const near = nearest(unknown, all)
    throw invalid(
      `URL option ${unknown} is not known${near ? `; did you mean ${near}?` : ''}`,
      `A kafka: URL takes ${all.join(', ')}.`,
    )
  }
  const isTls = scheme === 'kafkas'
  const portDefault = isTls ? 9_093 : 9_092
  const { addresses, path, ...said } = serverPlaceOf(rest, { portDefault, example, invalid })
  if (path) throw invalid(`the URL has a path, /${path}`, example)
  return {
    addresses,
    login: loginOf(options.get('sasl'), said.username, password ?? said.password),
    tls: tlsOf(options, { isTls, tlsScheme: 'kafkas', invalid }),
    sessionMs: sessionOf(options.get('session')),
    partitions: countOf('partitions', options, 1_000),
    replicas: countOf('replicas', options, 100),
    isBehind: isBehind(options.get('advertised'), addresses),
  }
}

function loginOf(
  sasl: string | undefined,
  username: string | undefined,
  password: string | undefined,
): KafkaLogin | null {
  if (username === undefined) {
    if (sasl === undefined && password === undefined) return null
    throw invalid('a login needs a user', example)
  }
  const mechanism = mechanisms[(sasl ?? 'plain') as keyof typeof mechanisms]
  if (mechanism === undefined) {
    const names = Object.keys(mechanisms).join(', ')
    throw invalid(`URL option sasl is ${sasl}; expected one of ${names}`)
  }
  return { mechanism, username, password: password ?? '' }
}

function sessionOf(text: string | undefined): number {
  if (text === undefined) return sessionMsDefault
  const ms = parseDurationMs('URL option session', text)
  if (ms >= 1_000 && ms <= 1_800_000) return ms
  throw invalid(`URL option session is ${text}; expected 1s to 30min`)
}

function countOf(
  name: 'partitions' | 'replicas',
  options: ReadonlyMap<string, string>,
  most: number,
): number | null {
  const text = options.get(name)
  if (text === undefined) return null
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count
  throw invalid(`URL option ${name} is ${text}; expected 1 to ${most}`)
}

function isBehind(text: string | undefined, addresses: readonly Address[]): boolean {
  if (text === undefined) return false
  if (text !== 'ignore') throw invalid(`URL option advertised is ${text}; expected ignore`)
  if (addresses.length === 1) return true
  const why = 'one address cannot stand for several nodes'
  throw invalid(`URL option advertised=ignore with ${addresses.length} hosts: ${why}`)
}

export function invalid(text: string, hint?: string) {
  return kafkaError('INVALID_CONFIG', 'connect', text, hint === undefined ? {} : { hint })
}
