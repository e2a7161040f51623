import { type BrokerUrl, commonOptions, parseBrokerUrl } from '../../core/url.ts'
import { nearest } from '../_shared/nearest.ts'
import { type Address, checkWritten, serverPlaceOf } from '../_shared/serverPlace.ts'
import { type TlsFiles, tlsOf, tlsOptions } from '../_shared/tlsFiles.ts'
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

const known = ['queue', 'cluster', 'sentinel', ...tlsOptions] as const

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
  checkWritten(rest, options, known, invalid)
  const unknown = [...options].find(([name]) => !(known as readonly string[]).includes(name))
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
  const tls = tlsOf(options, { isTls: scheme === 'rediss', tlsScheme: 'rediss', invalid })
  return { ...place, tls, sentinel, isCluster, queues }
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

const example = 'Expected for example redis://localhost:6379 or rediss://user:password@host:6380/0.'

type Place = Pick<RedisTarget, 'addresses' | 'username' | 'password' | 'database'>

function placeOf(rest: string, portDefault: number): Place {
  const { path, ...place } = serverPlaceOf(rest, { portDefault, example, invalid })
  if (path !== undefined && !/^\d*$/.test(path)) {
    throw invalid('the URL is not one of a server', example)
  }
  return { ...place, database: path ? Number(path) : 0 }
}

export function invalid(text: string, hint?: string) {
  return redisError('INVALID_CONFIG', 'connect', text, hint === undefined ? {} : { hint })
}
