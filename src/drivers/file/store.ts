import type { NarrowcastError } from '../../core/errors.ts'
import type { Bells } from './bells.ts'
import type { Database } from './database.ts'
import type { DiskRoom } from './diskRoom.ts'
import type { LogPace } from './logPace.ts'
import { pause } from './pause.ts'
import type { StoreClock } from './storeClock.ts'
import { asStoreError, endsSession, isBusy, lockMsMax } from './storeErrors.ts'
import type { Syncer } from './syncer.ts'
import type { Writer } from './writer.ts'

/** What every part of one session works with. */
export interface Store {
  readonly db: Database
  readonly writer: Writer
  readonly syncer: Syncer
  readonly bells: Bells
  readonly time: StoreClock
  readonly pace: LogPace
  readonly room: DiskRoom
  /** Damage, or a vanished store: ends the session. */
  readonly failed: (error: NarrowcastError) => void
  /** Throws CLOSED, or why the session ended. */
  readonly checkOpen: (operation: string) => void
}

/** Reads without the write lock. A lock is met only while a crashed log is being read in again. */
export async function readStore<T>(store: Store, operation: string, work: () => T): Promise<T> {
  const untilMs = performance.now() + lockMsMax
  for (;;) {
    store.checkOpen(operation)
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() > untilMs) {
        const told = asStoreError(error, operation, store.db.path)
        if (endsSession(told)) store.failed(told)
        throw told
      }
    }
    await pause(1 + Math.random())
  }
}
