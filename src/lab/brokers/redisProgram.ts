import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The `redis-server` that would be started. */
export interface RedisProgram {
  readonly command: string
  readonly version: string
}

/** Asks the `redis-server` on the PATH for its version; null when there is none. */
export async function findRedisProgram(): Promise<RedisProgram | null> {
  const command = 'redis-server'
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'])
    return { command, version: /v=(\S+)/.exec(stdout)?.[1] ?? 'of unknown version' }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
