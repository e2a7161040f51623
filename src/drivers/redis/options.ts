import { type BrokerUrl, commonOptions, parseBrokerUrl } from '../../core/url.ts'
import { nearest } from '../_shared/nearest.ts'
import type { Address } from './connection.ts'
import type { EngineName } from './engine.ts'
import { redisError } from './redisErrors.ts'

export interface RedisOptions {
  /**
   * `redis://user:password@host:port/database`, `rediss:` for TLS. Several hosts are the nodes of
   * a cluster, or with `?sentinel=NAME` Sentinels. A password may also be in `password`, so that
   * it need not be in a URL.
   */
  readonly url: string
  readonly password?: string
  /** How queues are kept that are made here. @default 'list' */
  readonly queue?: EngineName
}

/** What a URL says, taken apart. */
export interface RedisTarget {
  readonly addresses: readonly Address[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** Null: without TLS. */
  readonly tls: TlsFiles | null
  readonly sentinel: string | null
  readonly isCluster: boolean
  readonly queues: EngineName
}

/** Paths of PEM files: who signs the server's certificate; our own, and its key. */
export interface TlsFiles {
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
}

const known = ['queue', 'cluster', 'sentinel', 'ca', 'cert', 'key'] as const

/** @throws INVALID_CONFIG */
export function targetOfOptions({ url, password, queue }: RedisOptions): RedisTarget {
  if (typeof url !== 'string' || !/^rediss?:/i.test(url)) throw invalid('redis: no URL', example)
  if (password !== undefined && typeof password !== 'string') {
    throw invalid(`redis: password is a ${typeof password}; expected a string`)
  }
  const target = read(parseBrokerUrl(url))
  return withLogin({
    ...target,
    ...(password === undefined ? {} : { password }),
    ...(queue === undefined ? {} : { queues: queueOf('redis: queue', queue) }),
  })
}

/** @throws INVALID_CONFIG, naming what is wrong and the nearest option. */
export function targetOf(url: BrokerUrl): RedisTarget {
  return withLogin(read(url))
}

/** The client would leave out a user without a password, and be somebody else. */
function withLogin(target: RedisTarget): RedisTarget {
  if (target.username === undefined || target.password) return target
  throw invalid(
    `user ${target.username} has no password`,
    'Give it in the URL, or to redis({ url, password }). A user that needs none takes any.',
  )
}

function queueOf(what: string, queue: string): EngineName {
  return oneOf(what, 'queue', queue, ['list', 'stream'])
}

function oneOf<Word extends string>(
  what: string,
  name: string,
  value: string,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  const near = typeof value === 'string' ? nearest(value, words) : null
  throw invalid(
    `${what} is ${JSON.stringify(value)}; expected ${words.join(' or ')}`,
    near === null ? `For example ${name}=${words[0]}.` : `Did you mean ${name}=${near}?`,
  )
}

function read({ scheme, rest, options }: BrokerUrl): RedisTarget {
  const unknown = [...options].find(([name]) => !(known as readonly string[]).includes(name))
  checkWritten(rest, unknown ?? null)
  if (unknown) {
    const all = [...known, ...commonOptions]
    const near = nearest(unknown[0], all)
    throw invalid(
      `URL option ${unknown[0]} is not known${near ? `; did you mean ${near}?` : ''}`,
      `A redis: URL takes ${all.join(', ')}.`,
    )
  }
  const queues = queueOf('URL option queue', options.get('queue') ?? 'list')
  const sentinel = options.get('sentinel') ?? null
  if (sentinel === '') {
    throw invalid('URL option sentinel is empty; expected the name of the primary', example)
  }
  const place = placeOf(rest, sentinel === null ? 6_379 : 26_379)
  const isCluster = clusterOf(options, { sentinel, database: place.database })
  return { ...place, tls: tlsOf(scheme, options), sentinel, isCluster, queues }
}

/** Where a password is not written by its codes it is cut, and no half of it may be shown. */
function checkWritten(rest: string, unknown: readonly [string, string] | null): void {
  const refuse = (text: string, sign: string) =>
    invalid(
      `the URL has ${text}`,
      `In user and password ${sign} is written ${encodeURIComponent(sign)}.`,
    )
  if (/@.*@/.test(rest)) throw refuse('more than one @', '@')
  if (/^\/\/.*\/.*@/.test(rest)) throw refuse('a / before its @', '/')
  const isCut = !rest.includes('@') && unknown?.some((text) => text.includes('@'))
  if (isCut) throw refuse('a ? before its @', '?')
}

function clusterOf(
  options: BrokerUrl['options'],
  { sentinel, database }: { sentinel: string | null; database: number },
): boolean {
  const given = options.get('cluster') ?? 'false'
  const said = oneOf('URL option cluster', 'cluster', given, ['true', 'false'])
  if (said === 'false') return false
  if (sentinel !== null) throw invalid('a URL has sentinel or cluster; a cluster has no Sentinels')
  if (database !== 0) throw invalid(`a cluster has no database ${database}`, 'Leave it out.')
  return true
}

function tlsOf(scheme: string, options: BrokerUrl['options']): TlsFiles | null {
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => options.get(name) ?? null)
  const files = { ca: ca ?? null, cert: cert ?? null, key: key ?? null }
  if ((files.cert === null) !== (files.key === null)) {
    throw invalid('URL options cert and key belong together: give both or none')
  }
  if (scheme === 'rediss') return files
  const given = Object.entries(files).find(([, path]) => path !== null)
  if (given) throw invalid(`URL option ${given[0]} is for TLS`, 'With TLS the URL is rediss://.')
  return null
}

const form = /^(?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]*)(?:\/(\d*))?)?$/

type Place = Pick<RedisTarget, 'addresses' | 'username' | 'password' | 'database'>

function placeOf(rest: string, portDefault: number): Place {
  const found = form.exec(rest)
  if (!found) throw invalid('the URL is not one of a server', example)
  const [, username, password, hosts = '', database] = found
  return {
    addresses: (hosts === '' ? 'localhost' : hosts)
      .split(',')
      .map((one) => addressOf(one, portDefault)),
    username: username ? decoded(username) : undefined,
    password: password ? decoded(password) : undefined,
    database: database ? Number(database) : 0,
  }
}

const example = 'Expected for example redis://localhost:6379 or rediss://user:password@host:6380/0.'

function addressOf(text: string, portDefault: number): Address {
  const found = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/i.exec(text)
  const port = Number(found?.[2] ?? portDefault)
  if (!found?.[1] || port < 1 || port > 65_535) {
    throw invalid(`${JSON.stringify(text)} is not host:port`, example)
  }
  return { host: found[1].replace(/^\[|\]$/g, ''), port }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(
      'user or password of the URL has a % that is not followed by two hex digits',
      'A percent sign itself is written %25.',
    )
  }
}

function invalid(text: string, hint?: string) {
  return redisError('INVALID_CONFIG', 'connect', text, hint === undefined ? {} : { hint })
}
