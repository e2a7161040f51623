import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { OwnFolder } from './ownFolder.ts'

const endsWithinMs = 120_000

/** What `rabbitmqctl` prints: data alone. It ends with the folder. Rejects with what it complains of. */
export async function rabbitmqctl(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  folder: OwnFolder,
): Promise<string> {
  const options = { env, cwd: folder.path, timeout: endsWithinMs, killSignal: 'SIGKILL' } as const
  const running = promisify(execFile)(command, ['--silent', ...args], options)
  const ended = folder.endBy(`kill -9 ${running.child.pid}`)
  try {
    return (await running).stdout
  } finally {
    ended()
  }
}
