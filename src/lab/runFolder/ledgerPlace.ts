import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rmdir, statfs, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'

/** Of `tmpfs`, as Linux numbers its file systems. */
const tmpfsType = 0x01021994
export const ledgersName = 'ledgers'
const memoryDefault = '/dev/shm'

/** Brings the ledgers home when our end of its stdin closes, also by SIGKILL. */
const guard = `cat > /dev/null
if ! cp -R "$1" "$2.part"; then rm -Rf "$2.part"; exit 1; fi
rm "$2" && mv "$2.part" "$2" && rm -R "$1"`

/**
 * Where the ledgers of one run are written: on a memory file system where there is one with room, so
 * that they do not compete with the disk of the broker. `ledgers` in the folder of the run leads to
 * them from the beginning, and holds them in the end, however this process ends.
 */
export class LedgerPlace {
  readonly #guard: ChildProcess | null
  /** Null: in the folder of the run from the beginning. */
  readonly memory: string | null

  /** @throws DISK_FULL where there is less room than `bytes`. */
  static async make(
    folder: string,
    bytes: number,
    memoryFolder = memoryDefault,
  ): Promise<LedgerPlace> {
    await checkRoom(folder, bytes)
    const path = join(folder, ledgersName)
    if (await isMemoryWithRoom(memoryFolder, bytes)) {
      const memory = await mkdtemp(join(memoryFolder, 'narrowcast-lab-'))
      const child = await guarded(memory, path)
      if (child !== null) {
        await symlink(memory, path)
        return new LedgerPlace(child, memory)
      }
      await rmdir(memory)
    }
    await mkdir(path)
    return new LedgerPlace(null, null)
  }

  private constructor(child: ChildProcess | null, memory: string | null) {
    this.#guard = child
    this.memory = memory
  }

  /**
   * Resolves when the ledgers lie in the folder of the run. Once. Where they cannot be brought there,
   * they stay in memory, and `ledgers` still leads to them. @throws DISK_FULL, INTERNAL
   */
  async bringHome(): Promise<void> {
    if (this.#guard === null) return
    const { stdin, stderr } = this.#guard
    const ended = once(this.#guard, 'close')
    let why = ''
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      why ||= text.trim().split('\n')[0] as string
    })
    stdin?.end()
    const [code] = await ended
    if (code === 0) return
    const isFull = /no space left|quota exceeded/i.test(why)
    const text = `lab: the ledgers of this run stay in ${this.memory}: ${why || `exit ${code}`}`
    throw new NarrowcastError(isFull ? 'DISK_FULL' : 'INTERNAL', text, {
      operation: 'keep the ledgers of a run',
      hint: `${isFull ? 'Make room in the folder of the run, then move' : 'Move'} them there as "ledgers": memory is lost when the machine stops.`,
    })
  }
}

/** Null: there is no shell to be had. */
async function guarded(memory: string, path: string): Promise<ChildProcess | null> {
  const child = spawn('sh', ['-c', guard, 'guard', memory, path], {
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' }, // what it says is read
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true, // Ctrl-C is not for it
  })
  try {
    await once(child, 'spawn')
    return child
  } catch {
    return null
  }
}

async function checkRoom(folder: string, bytes: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free >= bytes) return
  // That of the run goes away again.
  const text = `lab: the ledgers of this run ${needAndHave(bytes, dirname(folder), free)}`
  throw new NarrowcastError('DISK_FULL', text, {
    hint: 'Make room there, or send fewer: --messages 1000',
  })
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function isMemoryWithRoom(folder: string, bytes: number): Promise<boolean> {
  try {
    const { type, bavail, bsize } = await statfs(folder)
    return type === tmpfsType && bavail * bsize >= bytes
  } catch {
    return false // another system
  }
}

const mebibyte = 1_048_576
/** Below, MiB would say too little. */
const kibibytesTo = 10 * mebibyte

/** What is needed rounded up, and what is there rounded down: they differ, however near they are. */
export function needAndHave(bytes: number, folder: string, free: number): string {
  const [unit, name] = bytes < kibibytesTo ? [1_024, 'KiB'] : [mebibyte, 'MiB']
  const need = Math.ceil(bytes / unit).toLocaleString('en')
  const have = Math.floor(free / unit).toLocaleString('en')
  return `need ${need} ${name}, ${folder} has ${have} ${name}`
}
