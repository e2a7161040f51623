import { readFile, realpath, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { NarrowcastError } from '../core/errors.ts'
import { type Disk, diskTrouble } from './disk.ts'
import { isNetworkMount, mountTypeOf } from './mountType.ts'

/** Kinds of `statfs` that are no local disk: locks and syncs do not hold there. */
const networkKinds: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x73757245, 'Coda'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
])

/** What a folder lies on. */
export interface Volume {
  readonly kind: number
  readonly freeBytes: number
  /** Type of its mount, such as `fuse.sshfs`; null where the system does not tell. */
  readonly mount: string | null
}

/** @throws STORE_UNUSABLE */
export async function volumeOf(path: string): Promise<Volume> {
  try {
    const { type, bavail, bsize } = await statfs(path)
    return { kind: type, freeBytes: bavail * bsize, mount: await mountOf(path) }
  } catch (error) {
    throw diskTrouble(`cannot look at ${path}`, error)
  }
}

async function mountOf(path: string): Promise<string | null> {
  if (process.platform !== 'linux') return null
  const place = await realpath(path)
  let mountInfo: string
  try {
    mountInfo = await readFile('/proc/self/mountinfo', 'utf8')
  } catch {
    return null // no /proc in this container: only the number of statfs tells
  }
  return mountTypeOf(mountInfo, place)
}

/** @throws STORE_UNUSABLE on a network file system. */
export function checkLocal(root: string, { kind, mount }: Volume): void {
  const byMount = mount !== null && isNetworkMount(mount) ? mount : undefined
  const network = networkKinds.get(kind >>> 0) ?? byMount
  if (network === undefined) return
  throw new NarrowcastError(
    'STORE_UNUSABLE',
    `${root} lies on ${network}, a network file system: its locks do not hold across hosts`,
    { hint: 'Take one folder per host on a local disk, and copy finished files to the share.' },
  )
}

/** @throws DISK_FULL below twice the bytes of a batch. */
export function checkFree(root: string, { freeBytes }: Volume, bytesMax: number): void {
  if (freeBytes > 2 * bytesMax) return
  throw new NarrowcastError(
    'DISK_FULL',
    `${root} has ${freeBytes} bytes free; two batches of bytesMax = ${bytesMax} need more`,
    { hint: 'Make room, or lower bytesMax (--roll).' },
  )
}

/**
 * Tries once what every commit needs: a file is written, synced, renamed or linked, its folder
 * synced. The two names are the caller's, and are gone afterwards.
 * @throws STORE_UNUSABLE, DISK_FULL
 */
export async function tryFolder(
  disk: Disk,
  deed: 'rename' | 'link',
  from: string,
  to: string,
): Promise<void> {
  try {
    await writeFile(from, 'trial')
    await disk.sync(from)
    await disk[deed](from, to)
    await disk.syncFolder(dirname(to))
    await disk.remove(to)
    await disk.remove(from)
  } catch (error) {
    throw diskTrouble(`cannot write, ${deed} and sync in ${dirname(from)}`, error)
  }
}

/** Renaming and linking work within one device only. @throws STORE_UNUSABLE */
export async function checkOneDevice(
  root: string,
  tempFolder: string,
  folders: readonly string[],
): Promise<void> {
  const device = await deviceOf(join(root, tempFolder))
  for (const folder of folders) {
    const found = await deviceOf(join(root, folder))
    if (found === null || found === device) continue
    throw new NarrowcastError(
      'STORE_UNUSABLE',
      `${join(root, folder)} and ${join(root, tempFolder)} lie on two devices; a file cannot be renamed or linked across`,
      { hint: 'Put the whole folder on one device.' },
    )
  }
}

async function deviceOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).dev
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw diskTrouble(`cannot look at ${path}`, error)
  }
}

/**
 * Makes the root with its folders, and syncs each folder that has, or may have, a new name: where the
 * name of a parent is lost in a power cut, all below it is. @throws STORE_UNUSABLE, DISK_FULL
 */
export async function makeRoot(
  disk: Disk,
  root: string,
  folders: readonly string[],
): Promise<void> {
  try {
    const made = await disk.makeFolder(parse(root).root, root)
    // The root's own folders each time: another worker may have made them, and not synced them yet.
    const parents = new Set([...made, root].map(dirname))
    for (const folder of folders) {
      const path = join(root, folder)
      await disk.makeFolder(root, path)
      for (let at = path; at !== root; at = dirname(at)) parents.add(dirname(at))
    }
    for (const parent of parents) await disk.syncFolder(parent)
  } catch (error) {
    throw diskTrouble(`cannot make ${root}`, error)
  }
}
