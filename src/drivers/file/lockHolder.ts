import { readFileSync, statSync } from 'node:fs'

/** Where SQLite keeps its write lock: a byte of the index, or while a log is made, of the file. */
const places = [
  { suffix: '-shm', from: 120, to: 120 },
  { suffix: '', from: 0x40000000, to: 0x40000000 + 511 },
] as const

/** The process that has the write lock of a database, as far as the system tells: Linux does. */
export function lockHolder(path: string): number | null {
  try {
    const locks = readFileSync('/proc/locks', 'utf8').split('\n')
    for (const { suffix, from, to } of places) {
      const inode = statSync(path + suffix, { throwIfNoEntry: false })?.ino
      const pid = locks.map((line) => holderOf(line, inode, from, to)).find((one) => one !== null)
      if (pid !== undefined) return pid
    }
  } catch {
    // Only the name is missing then: that it is locked is told all the same.
  }
  return null
}

/** `1: POSIX  ADVISORY  WRITE 4711 08:01:262 120 120`; who only waits has an arrow. */
function holderOf(line: string, inode: number | undefined, from: number, to: number) {
  const [, , , kind, pid, file, first, last] = line.trim().split(/\s+/)
  if (kind !== 'WRITE' || file?.split(':').at(-1) !== String(inode)) return null
  const isThere = Number(first) <= to && (last === 'EOF' || Number(last) >= from)
  return isThere && Number(pid) > 0 ? Number(pid) : null
}
