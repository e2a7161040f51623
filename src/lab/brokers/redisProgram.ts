import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A server program of Redis, or of Valkey, that takes the same settings. */
export interface RedisProgram {
  readonly command: string
  readonly version: string
}

const commands = ['redis-server', 'valkey-server'] as const

/** The first that is on the PATH; null when there is none. */
export async function findRedisProgram(): Promise<RedisProgram | null> {
  for (const command of commands) {
    try {
      const { stdout } = await promisify(execFile)(command, ['--version'])
      return { command, version: /v=(\S+)/.exec(stdout)?.[1] ?? 'of unknown version' }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return null
}
