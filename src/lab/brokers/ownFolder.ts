import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary folder and the process that works in it. Neither outlives this process. */
export interface OwnFolder {
  readonly path: string
  /** The process that is to end with this one; null while there is none. */
  hold(pid: number | null): void
  /** Ends the process that is held, with SIGKILL, and removes the folder. */
  remove(): Promise<void>
}

/**
 * The guard is a shell that reads what it should hold. Its input ends when this process ends, a
 * SIGKILL included: then it does what `remove` would have done.
 */
const guard = `
while read -r line; do pid=$line; done
[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
for i in 1 2 3 4 5; do rm -rf -- "$1" && exit 0; sleep 0.1; done
exit 1`

/** Makes a folder below the system's temporary one. */
export async function ownFolder(name: string): Promise<OwnFolder> {
  const path = await mkdtemp(join(tmpdir(), `narrowcast-${name}-`))
  // Detached: a Ctrl-C at the terminal reaches only us, and the guard cleans up after us.
  const child = spawn('sh', ['-c', guard, 'guard', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const ended = once(child, 'close')
  await once(child, 'spawn')
  return {
    path,
    hold: (pid) => void child.stdin.write(`${pid ?? ''}\n`),
    async remove() {
      child.stdin.end()
      const [code] = await ended
      if (code !== 0) throw new Error(`the guard of ${path} ended with ${String(code)}`)
    },
  }
}
