import { resolve } from 'node:path'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Driver } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type BrokerUrl, commonOptions } from '../../core/url.ts'
import { nearest } from '../_shared/nearest.ts'
import { contracts, type SyncMode } from './contract.ts'
import { skipReserved } from './numbers.ts'
import { beginOpening, openStore, storeId } from './openStore.ts'
import { fillReserve } from './reserve.ts'
import { FileSession } from './session.ts'
import { StoreClock } from './storeClock.ts'
import { asStoreError } from './storeErrors.ts'

export { contracts } from './contract.ts'

export interface FileOptions {
  /** The folder of the store, made when it is not there. One folder, many processes, one machine. */
  readonly dir: string
  /**
   * normal: what was published survives the end of any process. full: it survives a power cut too,
   * and each answer waits for the disk. @default 'normal'
   */
  readonly sync?: SyncMode
  /** A clock of one's own is for tests within one process. @default the machine's */
  readonly clock?: Clock
}

const syncModes: readonly string[] = ['normal', 'full'] satisfies SyncMode[]

/**
 * The embedded store: durable, without a server, shared by all processes of one machine.
 * @throws INVALID_CONFIG for a wrong option.
 */
export function file({
  dir,
  sync = 'normal',
  clock = systemClock,
}: FileOptions): Driver<typeof contracts> {
  if (typeof dir !== 'string' || dir === '') {
    throw invalid('file: the folder of the store is missing; expected for example file:./store')
  }
  if (!syncModes.includes(sync)) {
    throw invalid(`file: sync is ${JSON.stringify(sync)}; expected normal or full`)
  }
  /** The store of a session that ended by itself: who opens next is that session's owner. */
  let known: string | null = null
  return {
    name: 'file',
    contracts,
    async open(on, signal) {
      const db = await openStore(dir, known, signal)
      const time = new StoreClock(clock)
      try {
        await beginOpening(db, signal)
        if (time.adopt(db)) {
          // The machine was started anew: nobody of before is alive.
          db.run('UPDATE reader SET deadline_ms = 1, waiting = 0 WHERE deadline_ms > 0')
          db.run('DELETE FROM subscriber')
          skipReserved(db)
        }
        const id = storeId(db)
        db.commit()
        await fillReserve(db, resolve(dir)) // before the first publish can fill the disk
        const closed = (error: NarrowcastError) => {
          known = id
          on.closed(error)
        }
        const session = new FileSession({ db, dir: resolve(dir), sync, time, on: { closed } })
        known = null
        return session
      } catch (error) {
        db.rollback()
        db.close()
        throw signal.aborted ? error : asStoreError(error, 'open', db.path)
      }
    },
  }
}

/** `file:./dir?sync=normal|full`. @throws INVALID_CONFIG, with the nearest option. */
export function fromUrl({ rest, options }: BrokerUrl): Driver<typeof contracts> {
  for (const name of options.keys()) {
    if (name === 'sync') continue
    const hint = nearest(name, ['sync', ...commonOptions])
    throw invalid(
      `file: URL option ${name} is not known${hint ? `; did you mean ${hint}?` : ''}`,
      `A file: URL takes sync=normal or sync=full, and ${commonOptions.join(', ')}.`,
    )
  }
  const dir = folderOf(rest)
  const sync = options.get('sync') as SyncMode | undefined
  return file({ dir, ...(sync === undefined ? {} : { sync }) })
}

/** `./store`, `/var/store`, and with the empty host of a URL `///var/store`. */
function folderOf(rest: string): string {
  const path = rest.replace(/^\/\/(?=\/|\.)/, '')
  const hint = 'Expected for example file:./store or file:///var/lib/store.'
  if (path.startsWith('//')) {
    throw invalid(`file: the URL names a host, ${JSON.stringify(rest)}; a store is a folder`, hint)
  }
  try {
    return decodeURIComponent(path)
  } catch {
    const text = `file: ${JSON.stringify(rest)} has a % that is not followed by two hex digits`
    throw invalid(text, `${hint} A percent sign itself is written %25.`)
  }
}

function invalid(text: string, hint?: string): NarrowcastError {
  const details = { driver: 'file', ...(hint === undefined ? {} : { hint }) }
  return new NarrowcastError('INVALID_CONFIG', text, details)
}
