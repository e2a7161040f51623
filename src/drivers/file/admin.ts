import type { ChannelRef } from '../../core/channel.ts'
import { checkName } from '../../core/channel.ts'
import type { Admin } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import {
  type ChannelRow,
  createChannel,
  differences,
  findChannel,
  keepsNothing,
  notFound,
  theGroup,
} from './channels.ts'
import type { Database } from './database.ts'
import { deadPage, redrive, removeDead } from './deadLetters.ts'
import { depthOf, groupsOf } from './depth.ts'
import { resolvePlace, scanLog } from './groups.ts'
import { dropLeftovers, dropSubscribers, purgeLive } from './liveKeeping.ts'
import { checkPage } from './page.ts'
import { findMessage, peek, scanScheduled } from './peek.ts'
import { drainRemoved, forgetSeen, markChannelRemoved, markGroupRemoved, purge } from './removal.ts'
import { removeMessage, seek } from './seek.ts'
import { readStore, type Store } from './store.ts'
import { awaken } from './waiting.ts'

/** Everything, and exact: counters change in the transaction that changes what they count. */
export function fileAdmin(store: Store): Admin {
  return { ...ensuring(store), ...asking(store), ...moving(store), ...removing(store) }
}

function ensuring({ db, writer }: Store): Pick<Admin, 'ensure'> {
  return {
    ensure: (spec, signal) =>
      writer.run(
        'ensure',
        () => {
          const found = findChannel(db, spec.name)
          if (!found) {
            checkName('channel', spec.name)
            createChannel(db, spec)
            return { state: 'created' as const }
          }
          const what = differences(found, spec)
          return what.length > 0 ? { state: 'differs' as const, what } : { state: 'same' as const }
        },
        { signal },
      ),
  }
}

function asking(store: Store) {
  const { db, time } = store
  return {
    depths: (refs) =>
      readStore(store, 'depths', () =>
        db.snapshot(() => refs.map((ref) => depthOf(db, ref, time.nowMs()))),
      ),
    groups: (ref) =>
      readStore(store, 'groups', () =>
        db.snapshot(() => groupsOf(db, known(store, ref, 'groups'), time.nowMs())),
      ),
    peek: async (ref, query) => peek(store, await found(store, ref, 'peek'), query),
    message: async (ref, id) => findMessage(store, await found(store, ref, 'message'), id),
    deadLetters: async (ref, group, query) => {
      const channel = await found(store, ref, 'deadLetters')
      const find = () => (group === null ? null : theGroup(db, channel, group, 'deadLetters'))
      const row = await readStore(store, 'deadLetters', find)
      return deadPage(store, channel, row?.no ?? null, query)
    },
    channels: (query) =>
      readStore(store, 'channels', () => {
        const { cursor, limit, newestFirst, prefix } = query
        checkPage({ ...query, cursor: null })
        const rows = db.all<{ name: string; pattern: Pattern }>(
          `SELECT name, pattern FROM channel WHERE name < '~' AND substr(name, 1, length(?1)) = ?1
             AND (?2 IS NULL OR name ${newestFirst ? '<' : '>'} ?2)
           ORDER BY name ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?3`,
          prefix,
          cursor,
          limit + 1,
        )
        const items = rows.slice(0, limit).map(({ name, pattern }) => ({ name, pattern }))
        return { items, cursor: rows.length > limit ? (items.at(-1)?.name ?? null) : null }
      }),
  } satisfies Partial<Admin>
}

function moving(store: Store) {
  const { db, writer, bells } = store
  return {
    redrive: async (ref, refs, to, signal) => {
      const channel = await found(store, ref, 'redrive')
      return redrive(store, channel, refs, to && (await found(store, to, 'redrive')), signal)
    },
    removeDead: (ref, refs, signal) =>
      writer.run('removeDead', () => removeDead(db, known(store, ref, 'removeDead'), refs), {
        signal,
      }),
    async pause(ref, paused, signal) {
      const rung = await writer.run(
        'pause',
        () => {
          const { no } = known(store, ref, 'pause')
          db.run('UPDATE channel SET paused = ?2 WHERE no = ?1', no, paused ? 1 : 0)
          return paused ? [] : awaken(db, no, Number.POSITIVE_INFINITY)
        },
        { signal },
      )
      bells.ring(rung)
    },
    async seek(ref, group, to, signal) {
      const channel = await found(store, ref, 'seek')
      checkStream(channel, 'seek')
      await readStore(store, 'seek', () => theGroup(db, channel, group, 'seek'))
      const seq = await resolvePlace(store, channel, null, to)
      const rung = await writer.run(
        'seek',
        () => {
          seek(db, channel, theGroup(db, channel, group, 'seek').no, seq)
          return awaken(db, channel.no, Number.POSITIVE_INFINITY)
        },
        { signal },
      )
      bells.ring(rung)
    },
  } satisfies Partial<Admin>
}

function removing(store: Store) {
  const { db, writer, bells } = store
  return {
    async purge(ref, signal) {
      if (!isLive(ref.pattern)) return purge(store, await found(store, ref, 'purge'), signal)
      const channel = await readStore(store, 'purge', () => ofPattern(db, ref, 'purge'))
      return purgeLive(store, channel, signal)
    },
    async remove(ref, signal) {
      const remove = () => {
        const { no } = ofPattern(db, ref, 'remove')
        markChannelRemoved(db, no)
        return dropSubscribers(store, no)
      }
      bells.ring(await writer.run('remove', remove, { signal }))
      await drainRemoved(store, signal)
      await dropLeftovers(store, signal)
    },
    async removeGroup(ref, group, signal) {
      const remove = () => {
        const channel = known(store, ref, 'removeGroup')
        checkStream(channel, 'removeGroup')
        markGroupRemoved(db, theGroup(db, channel, group, 'removeGroup').no)
        return channel.no
      }
      const channel = await writer.run('removeGroup', remove, { signal })
      await forgetSeen(store, channel, group, signal)
      await drainRemoved(store, signal)
    },
    async removeMessage(ref, id, signal) {
      const channel = await found(store, ref, 'removeMessage')
      const seq = await scanLog(store, channel, 'id = ?4', id)
      if (seq !== null) {
        const remove = () => {
          const freed = removeMessage(db, channel, seq, id)
          return freed === null ? null : awaken(db, channel.no, freed)
        }
        const rung = await writer.run('removeMessage', remove, { signal })
        bells.ring(rung ?? [])
        return rung !== null
      }
      const no = await scanScheduled(store, channel, id)
      if (no === null) return false
      const remove = () => {
        const removed = db.run('DELETE FROM scheduled WHERE no = ?', no)
        db.run('UPDATE channel SET scheduled = scheduled - ?2 WHERE no = ?1', channel.no, removed)
        return removed > 0
      }
      return writer.run('removeMessage', remove, { signal })
    },
  } satisfies Partial<Admin>
}

function found(store: Store, ref: ChannelRef, operation: string): Promise<ChannelRow> {
  return readStore(store, operation, () => known(store, ref, operation))
}

/** A queue or stream. @throws as `ofPattern`, and UNSUPPORTED for a live pattern */
function known({ db }: Store, ref: ChannelRef, operation: string): ChannelRow {
  const row = ofPattern(db, ref, operation)
  if (isLive(row.pattern)) throw keepsNothing(operation, ref)
  return row
}

/** @throws NOT_FOUND, also for a channel of another pattern. */
function ofPattern(db: Database, { name, pattern }: ChannelRef, operation: string): ChannelRow {
  const row = findChannel(db, name)
  if (row?.pattern === pattern) return row
  const what = row ? `is a ${row.pattern}, not a ${pattern}` : 'does not exist'
  throw notFound(operation, name, `channel "${name}" ${what}`)
}

function checkStream({ name, pattern }: ChannelRow, operation: string): void {
  if (pattern === 'stream') return
  throw new NarrowcastError(
    'UNSUPPORTED',
    `file: ${operation}: queue "${name}" has no groups; only streams have`,
    { driver: 'file', channel: name, operation },
  )
}
