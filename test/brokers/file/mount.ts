import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmdirSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Mount extends Disposable {
  readonly dir: string
  /** Mounts it anew with other options: `ro`, `rw`. */
  remount(options: string): void
}

/** A small file system of its own. Only root may mount: elsewhere null, with the reason. */
export function tmpfs(options: string): Mount | { why: string } {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(dir)
    return { why: `no tmpfs can be mounted here: ${(error as Error).message.trim()}` }
  }
  return {
    dir,
    remount: (wanted) => {
      execFileSync('mount', ['-o', `remount,${wanted}`, dir], { stdio: 'pipe' })
    },
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', dir], { stdio: 'pipe' })
      rmdirSync(dir)
    },
  }
}

/** Takes what is left of a disk, to the last byte. */
export function fillUp(path: string): void {
  const file = openSync(path, 'w')
  for (const bytes of [65_536, 4_096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  closeSync(file)
}
