import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'
import { type RedisServer, serveRedis } from './redisServer.ts'

/** What the server keeps: as Redis ships (snapshots only), or an append-only file. */
export type RedisProfile = 'default' | 'everysec' | 'always'

export interface RedisOptions {
  /** @default 'default' */
  readonly profile?: RedisProfile
  /** Takes TLS only, and shows this certificate. @default plain TCP */
  readonly tls?: {
    readonly server: Certificate
    /** Clients must show this one. @default clients need none */
    readonly client?: Certificate
  }
  /** Further settings as on the command line of `redis-server`: `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[]
}

const profiles: Readonly<Record<RedisProfile, readonly string[]>> = {
  default: [],
  everysec: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
  always: ['--appendonly', 'yes', '--appendfsync', 'always'],
}

/**
 * Starts the `redis-server` of the PATH, with a data folder of its own and on a free port, and
 * resolves when it takes commands. Several may run at once.
 *
 * @throws UNAVAILABLE where there is no such program.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { profile = 'default', tls, args = [] } = options
  return await serveRedis({
    scheme: tls === undefined ? 'redis' : 'rediss',
    ready: /Ready to accept connections/,
    settings: async ({ port, folder }) => [
      ...(tls === undefined ? ['--port', String(port)] : await tlsSettings(tls, port, folder)),
      ...profiles[profile],
      ...args,
    ],
  })
}

async function tlsSettings(
  { server, client }: NonNullable<RedisOptions['tls']>,
  port: number,
  folder: string,
): Promise<string[]> {
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const who = client
    ? ['--tls-auth-clients', 'yes', '--tls-ca-cert-file', await write('ca.crt', client.certificate)]
    : ['--tls-auth-clients', 'no']
  return [
    ...['--port', '0', '--tls-port', String(port), ...who],
    ...['--tls-cert-file', await write('server.crt', server.certificate)],
    ...['--tls-key-file', await write('server.key', server.key)],
  ]
}
