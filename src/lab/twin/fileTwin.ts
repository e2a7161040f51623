import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { parseBrokerUrl } from '../../core/url.ts'
import type { Twin, TwinPlace } from './twin.ts'

/** SQLite tells nobody that a row has come: who waits looks again so soon. */
const lookAgainMs = 5
/** Enough to wait for a lock that another process has. */
const lockMsMax = 10_000

interface Row {
  readonly seq: number
  readonly body: Uint8Array
}

/** A table: INSERT; an UPDATE that takes rows for the time of a lease, and a DELETE when it is done. */
export const fileTwin: Twin = {
  async prepare(place) {
    const db = open(place)
    db.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE message (seq INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB, until INTEGER DEFAULT 0)`)
    db.close()
  },
  async sender(place) {
    const db = open(place)
    const put = db.prepare('INSERT INTO message (body) VALUES (?)')
    return {
      async send(message) {
        put.run(message)
        return undefined
      },
      [Symbol.asyncDispose]: async () => db.close(),
    }
  },
  async reader(place) {
    const db = open(place)
    const take = db.prepare(`UPDATE message SET until = :until WHERE seq IN
      (SELECT seq FROM message WHERE until <= :now ORDER BY seq LIMIT :count) RETURNING seq, body`)
    const drop = db.prepare('DELETE FROM message WHERE seq = ?')
    return {
      async take(countMax) {
        const now = Date.now()
        const asked = { until: now + place.leaseMs, now, count: countMax }
        const rows = take.all(asked) as unknown as Row[]
        if (rows.length === 0) await setTimeout(lookAgainMs)
        return rows.map(({ seq, body }) => ({
          message: body,
          settle: async () => void drop.run(seq),
        }))
      },
      [Symbol.asyncDispose]: async () => db.close(),
    }
  },
}

/** Beside the store, on the same disk, and as safe as that is. */
function open({ url, channel }: TwinPlace): DatabaseSync {
  const { rest, options } = parseBrokerUrl(url)
  const db = new DatabaseSync(join(rest, `${channel}.twin.db`), { timeout: lockMsMax })
  db.exec(`PRAGMA synchronous = ${options.get('sync') === 'full' ? 'FULL' : 'NORMAL'}`)
  return db
}
