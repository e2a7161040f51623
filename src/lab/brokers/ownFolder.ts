import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary folder and the programs that work in it. None of it outlives this process. */
export interface OwnFolder {
  readonly path: string
  /** The shell command that ends a program. What is returned takes it back: the program has ended. */
  endBy(command: string): () => void
  /** Ends the programs and removes the folder. Twice is fine. */
  remove(): Promise<void>
}

/**
 * The guard is a shell that reads how to end what runs; the last line holds. Its input ends when
 * this process ends, by a SIGKILL too: then it does what `remove` would have done.
 */
const guard = `
while IFS= read -r line; do command=$line; done
eval "$command"
for try in 1 2 3 4 5; do rm -rf -- "$1" && exit 0; sleep 0.1; done
exit 1`

/** Makes a folder below the system's temporary one. */
export async function ownFolder(name: string): Promise<OwnFolder> {
  const path = await mkdtemp(join(tmpdir(), `narrowcast-${name}-`))
  // Detached: Ctrl-C at a terminal ends only us, and the guard then cleans up after us.
  const child = spawn('sh', ['-c', guard, 'guard', path], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  const ended = once(child, 'close')
  try {
    await Promise.race([once(child, 'spawn'), ended])
  } catch (error) {
    await rm(path, { recursive: true })
    throw error
  }
  const commands = new Set<string>()
  const tell = () => {
    if (child.stdin.writable) child.stdin.write(`${[...commands].join('; ')}\n`)
  }
  return {
    path,
    endBy(command) {
      commands.add(command)
      tell()
      return () => {
        commands.delete(command)
        tell()
      }
    },
    async remove() {
      child.stdin.end()
      const [code, signal] = await ended
      if (code !== 0) throw new Error(`the guard of ${path} ended with ${String(code ?? signal)}`)
    },
  }
}
