import { createClient } from '@redis/client'
import { redactUrl } from '../../core/url.ts'
import { startRedis } from './redis.ts'
import { findRedisProgram } from './redisProgram.ts'

/** A Redis that a test may use beside others: channels of its own, no settings changed. */
export interface ObtainedRedis extends AsyncDisposable {
  readonly url: string
  readonly version: string
  /** `given by NARROWCAST_TEST_REDIS_URL`, `on the PATH` */
  readonly how: string
  /** Ends it when it is ours; nothing happens to a server that was given. */
  stop(): Promise<void>
}

/** Either a server, or why there is none. */
export type RedisOrReason =
  | { readonly redis: ObtainedRedis; readonly missing: null }
  | { readonly redis: null; readonly missing: string }

const variable = 'NARROWCAST_TEST_REDIS_URL'

/**
 * A server for a test file: the one whose URL the environment gives, else one of our own from the
 * program on the PATH. A URL that leads nowhere is a reason, and nothing else is tried.
 */
export async function obtainRedis(): Promise<RedisOrReason> {
  const url = process.env[variable] ?? ''
  if (url !== '') return await given(url)
  const program = await findRedisProgram()
  if (program === null) {
    return { redis: null, missing: `no redis-server on the PATH and no ${variable}` }
  }
  return { redis: await startRedis(), missing: null }
}

async function given(url: string): Promise<RedisOrReason> {
  try {
    const version = await versionOf(url)
    const stop = async () => {}
    const how = `given by ${variable}`
    return {
      redis: { url, version, how, stop, [Symbol.asyncDispose]: stop },
      missing: null,
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { redis: null, missing: `${variable} ${redactUrl(url)}: ${reason}` }
  }
}

async function versionOf(url: string): Promise<string> {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 5_000 } })
  client.on('error', () => {}) // Told by what `connect` and the command reject with.
  try {
    await client.connect()
    const info = await client.info('server')
    return /redis_version:(\S+)/.exec(info)?.[1] ?? 'of unknown version'
  } finally {
    if (client.isOpen) client.destroy()
  }
}
