import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { mountType } from '../../drivers/file/fileSystem.ts'
import { median } from '../statistics/median.ts'
import { type Machine, machine } from './machine.ts'
import { type ReadText, systemText } from './systemText.ts'

/** The machine, and the disk that a run works on. Nothing of it names a host, a user or a path. */
export interface Fingerprint extends Machine {
  /** `ext4`, `tmpfs` */
  readonly fileSystem: string | null
  /** What it takes to have 4 KiB on the disk. */
  readonly syncMs: number | null
}

const syncs = 9
const block = Buffer.alloc(4_096, 1)

/** `folder`: where the broker or the store keeps its data. Never throws: what cannot be had is null. */
export async function fingerprint(folder: string): Promise<Fingerprint> {
  return { ...machine(), fileSystem: fileSystemOf(folder), syncMs: await syncMsOf(folder) }
}

export function fileSystemOf(folder: string, read: ReadText = systemText): string | null {
  const mounts = read('/proc/self/mounts')
  if (mounts === null) return null
  try {
    return mountType(realpathSync(folder), mounts)
  } catch {
    return null // no such folder
  }
}

/** The median of a few. */
async function syncMsOf(folder: string): Promise<number | null> {
  const path = join(folder, `.sync-${randomBytes(8).toString('hex')}`)
  try {
    await using file = await open(path, 'wx')
    const taken: number[] = []
    while (taken.length < syncs) {
      await file.write(block, 0, block.length, 0)
      const fromMs = performance.now()
      await file.sync()
      taken.push(performance.now() - fromMs)
    }
    return median(taken)
  } catch {
    return null // no such folder, no room, or no right to write there
  } finally {
    await rm(path, { force: true }).catch(() => {})
  }
}
