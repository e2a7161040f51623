import { openStore } from '../../drivers/file/openStore.ts'
import type { Config } from './withoutSecrets.ts'

const asked = [
  'journal_mode',
  'synchronous',
  'page_size',
  'cache_size',
  'wal_autocheckpoint',
  'journal_size_limit',
  'mmap_size',
  'auto_vacuum',
  'locking_mode',
  'busy_timeout',
  'temp_store',
  'secure_delete',
  'fullfsync',
  'checkpoint_fullfsync',
  'user_version',
] as const

/** What SQLite does with this store when the driver has opened it. */
export async function filePragmas(folder: string, signal: AbortSignal): Promise<Config> {
  const db = await openStore(folder, null, signal)
  try {
    const answer = (name: string) => Object.values(db.get<object>(`PRAGMA ${name}`) ?? {})[0]
    return Object.fromEntries(asked.map((name) => [name, String(answer(name) ?? '')]))
  } finally {
    db.close()
  }
}
