import { execFile } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { NarrowcastError } from '../../core/errors.ts'
import type { Disk } from '../disk.ts'
import { manifestError } from './manifestErrors.ts'

/** Kinds of `statfs` that are local disks and hold locks: ext, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS, bcachefs. */
const knownKinds = [
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e,
]

/** What the second process does: the lock must keep it out. */
const intruder = `
const { DatabaseSync } = require('node:sqlite')
const db = new DatabaseSync(process.argv[1], { timeout: 0 })
try { db.exec('BEGIN EXCLUSIVE') } catch (error) { process.exit(error.errcode === 5 ? 10 : 12) }
process.exit(11)`

/**
 * Where the kind of disk is none that is known, two processes try the lock that the manifest
 * stands on. @throws STORE_UNUSABLE where the second one gets in.
 */
export async function tryLocks(disk: Disk, kind: number, trialPath: string): Promise<void> {
  if (process.platform !== 'linux' || knownKinds.includes(kind >>> 0)) return
  const db = open(trialPath)
  try {
    db.exec('BEGIN EXCLUSIVE')
    if (await isKeptOut(trialPath)) return
  } catch (error) {
    throw manifestError(trialPath, error)
  } finally {
    db.close()
    await disk.remove(trialPath)
  }
  throw new NarrowcastError(
    'STORE_UNUSABLE',
    `${trialPath}: a lock of one process did not keep another one out`,
    { hint: 'Take a folder on a local disk.' },
  )
}

/** Whether a lock on this database keeps a process of its own out. */
export async function isKeptOut(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const child = execFile(process.execPath, ['-e', intruder, path], (error) => {
    if (error && typeof error.code !== 'number') reject(error)
  })
  child.on('exit', (code) => resolve(code ?? 0))
  const code = await promise
  if (code === 10 || code === 11) return code === 10
  throw new Error(`the second process of the trial ended with ${code}`)
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 })
  } catch (error) {
    throw manifestError(path, error)
  }
}
