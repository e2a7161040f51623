import { NarrowcastError } from '../../core/errors.ts'
import { parseBrokerUrl, redactUrl } from '../../core/url.ts'
import type { Upstream } from './words.ts'

/** Schemes of plain TCP, and the port where a URL names none. */
const ports: Readonly<Record<string, number>> = { redis: 6_379, amqp: 5_672, kafka: 9_092 }

/** A broker of Kafka tells its clients where it is, and they would go there past the proxy. */
const behindProxy = ['advertised', 'ignore'] as const

/** Whether a proxy can stand between. */
export function isProxied(url: string): boolean {
  try {
    partsOf(url)
    return true
  } catch (error) {
    if (error instanceof NarrowcastError && error.code === 'UNSUPPORTED') return false
    throw error
  }
}

/** Where a URL leads to. @throws UNSUPPORTED where a proxy cannot stand between. */
export function upstreamOf(url: string): Upstream {
  return partsOf(url).upstream
}

/**
 * The URL of the same broker by way of that port of a proxy. User, password, database or vhost,
 * and options stay as they are. A node of a cluster whose URL does not say so leads its clients past the proxy.
 *
 * @throws UNSUPPORTED where a proxy cannot stand between: TLS, several servers, or no network.
 */
export function throughPort(url: string, port: number, host = '127.0.0.1'): string {
  const { before, after } = partsOf(url)
  return `${before}${host}:${port}${after}`
}

const form = /^(?:\/\/([^@/]*@)?(\[[^\]]*\]|[^@/:,]*)(?::(\d+))?(\/[^/]*)?)?$/

interface Parts {
  readonly before: string
  readonly upstream: Upstream
  readonly after: string
}

function partsOf(url: string): Parts {
  const { scheme, rest, options, text } = parseBrokerUrl(url)
  const port = ports[scheme]
  if (scheme === 'rediss' || scheme === 'amqps' || scheme === 'kafkas') {
    throw refused(text, 'the certificate is for another address')
  }
  if (port === undefined)
    throw refused(text, 'only redis:, amqp: and kafka: are plain TCP to one server')
  if (options.has('sentinel') || options.get('cluster') === 'true') {
    throw refused(text, 'its servers tell clients addresses that lead past the proxy')
  }
  const found = form.exec(rest)
  if (!found) throw refused(text, 'it is not the URL of one server')
  const [, login = '', host, given, path = ''] = found
  const query = text.includes('?') ? text.slice(text.indexOf('?')) : ''
  const [name, value] = behindProxy
  const isToldWhere = scheme === 'kafka' && !options.has(name)
  const more = isToldWhere ? `${query === '' ? '?' : '&'}${name}=${value}` : ''
  return {
    before: `${scheme}://${login}`,
    upstream: {
      host: (host || 'localhost').replace(/^\[|\]$/g, ''),
      port: given === undefined ? port : Number(given),
    },
    after: `${path}${query}${more}`,
  }
}

function refused(text: string, why: string): NarrowcastError {
  return new NarrowcastError(
    'UNSUPPORTED',
    `proxy: ${redactUrl(text)} cannot go through it: ${why}`,
  )
}
