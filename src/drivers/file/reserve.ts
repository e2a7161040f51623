import { randomBytes } from 'node:crypto'
import { constants, statSync, unlinkSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Database } from './database.ts'
import { canCopyLog, growthBytes } from './diskRoom.ts'
import { freeBytes } from './freeBytes.ts'
import { pause } from './pause.ts'
import { asStoreError } from './storeErrors.ts'

const reserveName = 'reserve'
/** While it is being made; what a killed keeper left of it. */
const makingName = 'reserve.new'
const reserveBytes = 8 * 1024 * 1024
/**
 * Made only where so much is free beside what copying the log needs, so that giving it up and
 * making it again do not alternate.
 */
const refillFreeBytes = 4 * reserveBytes
/** It is made piece by piece: others fill the disk meanwhile, and no one piece takes what settling needs. */
const pieceBytes = 1024 * 1024

/** How often and how long it waits for a copy that is under way elsewhere. */
const copyWait = { tries: 100, ms: 5 }

/**
 * A file of bytes that mean nothing, by chance so that no file system packs them: for the moment
 * when other programs have filled the disk. Made with the store, before its first publish, and
 * again by the keeper once it was given up.
 */
export async function fillReserve(db: Database, dir: string): Promise<void> {
  const path = join(dir, reserveName)
  const making = join(dir, makingName)
  const hasRoom = (made: number) => freeBytes(path) - growthBytes(db) >= refillFreeBytes - made
  try {
    if (statSync(path, { throwIfNoEntry: false })) return
    for (let made = 0; made < reserveBytes; ) {
      if (!hasRoom(made)) return await rm(making, { force: true })
      made = await addPiece(making, made)
    }
    await rename(making, path)
  } catch {
    // The store works without it, and what ails the disk or the folder is met by every other write.
    await rm(making, { force: true }).catch(() => undefined)
  }
}

/**
 * Returns how large it is then: what another process adds, or a killed one has left, is part of it. It
 * is opened for each piece: when it is given up meanwhile its bytes are free at once, and it stays away.
 */
async function addPiece(path: string, made: number): Promise<number> {
  const { O_APPEND, O_WRONLY } = constants
  await using file = await open(path, made === 0 ? 'a' : O_WRONLY | O_APPEND)
  await file.appendFile(await promisify(randomBytes)(pieceBytes))
  return (await file.stat()).size
}

/** Gives the bytes up. False when there are none. */
export function releaseReserve(dir: string): boolean {
  let isGivenUp = false
  // In this order: what is done being made in between is met as the reserve.
  for (const name of [makingName, reserveName]) {
    try {
      unlinkSync(join(dir, name))
      isGivenUp = true
    } catch {
      // Not there, or not to be had: what is to be told is the full disk that was met before.
    }
  }
  return isGivenUp
}

/**
 * After a write that met a full disk: copies the log, so that it begins again in the bytes that it
 * has, and next gives up the reserve. False when neither helps any more; `attempt` counts from 0.
 */
export async function makeRoom(db: Database, dir: string, attempt: number): Promise<boolean> {
  if (attempt === 0 && (await copyLog(db))) return true
  if (attempt > 1 || !releaseReserve(dir)) return false
  await copyLog(db)
  return true
}

/** As `copyLog`, and gives the bytes of the log back to the disk where nobody is at it. */
export async function emptyLog(db: Database): Promise<boolean> {
  const isCopied = await copyLog(db)
  if (isCopied) db.get('PRAGMA wal_checkpoint(TRUNCATE)')
  return isCopied
}

/** True when all of it is in the database. It stops the event loop meanwhile. */
export async function copyLog(db: Database): Promise<boolean> {
  for (let tries = 0; tries < copyWait.tries && canCopyLog(db); tries++) {
    try {
      const done = db.get<{ busy: number; log: number; checkpointed: number }>(
        'PRAGMA wal_checkpoint(PASSIVE)',
      )
      if (done?.busy === 0) return done.log === done.checkpointed
    } catch (error) {
      const told = asStoreError(error, 'checkpoint', db.path)
      if (told.code === 'DISK_FULL') return false
      if (told.code !== 'UNAVAILABLE') throw told
    }
    await pause(copyWait.ms)
  }
  return false
}
