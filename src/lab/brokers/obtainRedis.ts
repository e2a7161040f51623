import { redactUrl } from '../../core/url.ts'
import { askRedis } from './askRedis.ts'
import { type Image, startInDocker } from './inDocker.ts'
import { startRedis } from './redis.ts'
import { findRedisProgram } from './redisProgram.ts'

/** A Redis that a test shares with others: channels of its own, and no settings are changed. */
export interface ObtainedRedis extends AsyncDisposable {
  readonly url: string
  readonly version: string
  /** `given by NARROWCAST_TEST_REDIS_URL`, `on the PATH`, `redis:8-alpine in Docker` */
  readonly how: string
  /** Ends it where it is ours; nothing happens to a server that was given. */
  stop(): Promise<void>
}

/** A server, or why there is none. */
export type RedisOrReason =
  | { readonly redis: ObtainedRedis; readonly missing: null }
  | { readonly redis: null; readonly missing: string }

const variable = 'NARROWCAST_TEST_REDIS_URL'

const image: Image = { image: 'redis:8-alpine', port: 6379, ready: /Ready to accept connections/ }

/**
 * A server for a test file: the one whose URL the environment gives, else one of our own by the
 * program on the PATH, else by Docker. A URL that leads nowhere is a reason; nothing else is tried.
 */
export async function obtainRedis(): Promise<RedisOrReason> {
  const url = process.env[variable] ?? ''
  if (url !== '') return await given(url)
  if ((await findRedisProgram()) !== null) return { redis: await startRedis(), missing: null }
  const container = await startInDocker(image)
  if (container !== null) {
    return await asked(`redis://${container.address}`, `${image.image} in Docker`, container.stop)
  }
  const missing = `no ${variable}, no redis-server on the PATH, no answer of a Docker engine`
  return { redis: null, missing }
}

async function given(url: string): Promise<RedisOrReason> {
  try {
    return await asked(url, `given by ${variable}`, async () => {})
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { redis: null, missing: `${variable} ${redactUrl(url)}: ${reason}` }
  }
}

async function asked(url: string, how: string, stop: () => Promise<void>): Promise<RedisOrReason> {
  const info = String(await askRedis(url, 'INFO', 'server'))
  const version = /redis_version:(\S+)/.exec(info)?.[1] ?? 'of unknown version'
  return { redis: { url, version, how, stop, [Symbol.asyncDispose]: stop }, missing: null }
}
