import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { NarrowcastError } from '../../core/errors.ts'
import { makeFolder } from '../../core/makeFolder.ts'
import { storeError } from './storeErrors.ts'

/** Kinds of file system whose locks and shared memory do not hold between machines. */
const networkTypes: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  1397113167: 'AFS',
  1937076805: 'Coda',
  12805120: 'Ceph',
  198183888: 'Lustre',
  18225520: 'GFS2',
  1952539503: 'OCFS2',
  16914839: '9P',
}
/** The kernel's own: nothing is kept there, and making a folder in it may never return. */
const kernelTypes: Readonly<Record<number, string>> = { 40864: 'proc', 1650812274: 'sysfs' }
const fuseType = 1702057286
/** In user space, and on this machine all the same. */
const localFuse = /^fuse\.(ntfs-3g|exfat|fuse-overlayfs|lxcfs)$/

/** Name of the network file system that holds `dir`; null on a local disk. */
export function networkFileSystem(
  dir: string,
  typeOf: (path: string) => number = (path) => statfsSync(path).type,
  mounts: () => string = () => readFileSync('/proc/self/mounts', 'utf8'),
): string | null {
  const type = typeOf(dir) >>> 0
  if (type !== fuseType) return networkTypes[type] ?? null
  const name = mountType(dir, mounts())
  return name !== null && /^fuse(\.|$)/.test(name) && !localFuse.test(name) ? name : null
}

/** The type of the mount that `dir` lies in: of all that hold it, the one with the longest path. */
export function mountType(dir: string, mounts: string): string | null {
  let found: { path: string; type: string } | null = null
  for (const line of mounts.split('\n')) {
    const [, path = '', type = ''] = line.split(' ')
    const isAround = path === '/' || dir === path || dir.startsWith(`${path}/`)
    if (isAround && path.length >= (found?.path.length ?? 0)) found = { path, type }
  }
  return found?.type ?? null
}

/**
 * Makes the folder and checks that a store can live there.
 * @throws STORE_UNUSABLE, DISK_FULL, naming the folder and what to do.
 */
export function prepareFolder(dir: string): void {
  const existing = nearestExisting(dir)
  const network = networkFileSystem(existing)
  if (network !== null) {
    throw storeError(
      'STORE_UNUSABLE',
      'open',
      `${dir} lies on a network file system (${network}); locks and shared memory do not hold there`,
      'Choose a folder on a local disk of this machine. To share a store between machines use a broker.',
    )
  }
  const kernel = kernelTypes[statfsSync(existing).type >>> 0]
  if (kernel !== undefined) {
    throw storeError(
      'STORE_UNUSABLE',
      'open',
      `${dir} lies on a file system of the kernel (${kernel}), which keeps nothing`,
      'Choose a folder on a local disk of this machine.',
    )
  }
  try {
    makeFolder(dir)
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw folderError(dir, cause)
  }
}

/** @throws STORE_UNUSABLE for a file that this user cannot read and write. */
export function checkWritable(path: string): void {
  if (!existsSync(path)) return
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch (cause) {
    throw folderError(path, cause)
  }
}

function nearestExisting(dir: string): string {
  let path = resolve(dir)
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path)
  return path
}

function folderError(path: string, cause: unknown): NarrowcastError {
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return storeError('DISK_FULL', 'open', `${path} cannot be made: ${message}`, null, cause)
  }
  const isReadOnly = code === 'EROFS' || code === 'EACCES' || code === 'EPERM'
  return storeError(
    'STORE_UNUSABLE',
    'open',
    isReadOnly ? `${path} is read-only for this user: ${message}` : `${path}: ${message}`,
    isReadOnly
      ? 'Give this user the right to write it, or choose another folder.'
      : 'The store needs a folder of its own; choose another path.',
    cause,
  )
}
