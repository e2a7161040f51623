import type { BrokerUrl } from '../../core/url.ts'
import { nearest } from '../_shared/nearest.ts'
import type { Address } from './connection.ts'
import type { EngineName } from './engine.ts'
import { redisError } from './redisErrors.ts'

export interface RedisOptions {
  /**
   * `redis://user:password@host:port/database`, `rediss:` for TLS. A password may also be in
   * `password`, so that it need not be in a URL.
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
  readonly isTls: boolean
  readonly queues: EngineName
}

const known = ['queue'] as const

/** @throws INVALID_CONFIG, naming what is wrong and the nearest option. */
export function targetOf({ scheme, rest, options }: BrokerUrl): RedisTarget {
  for (const name of options.keys()) {
    if ((known as readonly string[]).includes(name)) continue
    const near = nearest(name, known)
    throw invalid(
      `URL option ${name} is not known${near ? `; did you mean ${near}?` : ''}`,
      'A redis: URL takes queue=list or queue=stream.',
    )
  }
  const queues = options.get('queue') ?? 'list'
  if (queues !== 'list' && queues !== 'stream') {
    throw invalid(`URL option queue is ${JSON.stringify(queues)}; expected list or stream`)
  }
  return { ...placeOf(rest), isTls: scheme === 'rediss', queues }
}

const form = /^\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]*)(?:\/(\d*))?$/

function placeOf(rest: string): Omit<RedisTarget, 'isTls' | 'queues'> {
  const found = form.exec(rest)
  if (!found) throw invalid('the URL is not one of a server', example)
  const [, username, password, hosts = '', database] = found
  return {
    addresses: (hosts === '' ? 'localhost' : hosts).split(',').map(addressOf),
    username: username ? decoded(username) : undefined,
    password: password ? decoded(password) : undefined,
    database: database ? Number(database) : 0,
  }
}

const example = 'Expected for example redis://localhost:6379 or rediss://user:password@host:6380/0.'

function addressOf(text: string): Address {
  const found = /^(\[[0-9a-f:.]+\]|[^:]*)(?::(\d+))?$/i.exec(text)
  const port = Number(found?.[2] ?? 6379)
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
