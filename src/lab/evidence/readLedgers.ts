import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import type { LedgerFile } from './evidence.ts'
import { ledgerName, sidecarSchema } from './sidecar.ts'

const ending = '.json'

/**
 * All ledgers of a folder, by name.
 * @throws INTERNAL for a sidecar that does not fit its name or has no ledger beside it, and for
 * records without a sidecar.
 */
export async function readLedgers(folder: string): Promise<LedgerFile[]> {
  const all = await readdir(folder)
  const names = all.filter((name) => name.endsWith(ending)).sort()
  const nameless = all.filter((name) => !names.includes(name.replace(/\.bin$/, ending)))
  await Promise.all(nameless.map((name) => refuseRecords(join(folder, name))))
  return await Promise.all(names.map((name) => readLedger(folder, name.slice(0, -ending.length))))
}

/** What was killed before it had its sidecar is empty. @throws INTERNAL for what is not. */
async function refuseRecords(path: string): Promise<void> {
  if (!path.endsWith('.bin') || (await stat(path)).size === 0) return
  throw new NarrowcastError('INTERNAL', `lab: the ledger ${path} has records, and no sidecar`, {
    operation: 'read the ledgers of a run',
  })
}

/** One of them, as far as it is written. @throws as `readLedgers` */
export async function readLedger(folder: string, name: string): Promise<LedgerFile> {
  const path = join(folder, name)
  try {
    const sidecar = sidecarSchema.parse(JSON.parse(await readFile(`${path}${ending}`, 'utf8')))
    if (ledgerName(sidecar) !== name) throw new Error(`it is that of ${ledgerName(sidecar)}`)
    return { sidecar, bytes: await readWhole(`${path}.bin`) }
  } catch (error) {
    throw new NarrowcastError(
      'INTERNAL',
      `lab: the ledger ${path} cannot be read: ${(error as Error).message}`,
      { operation: 'read the ledgers of a run', cause: error },
    )
  }
}

/** Into one buffer of its size: readFile would hold what it reads twice. */
async function readWhole(path: string): Promise<Uint8Array> {
  await using file = await open(path)
  const { size } = await file.stat()
  const bytes = Buffer.allocUnsafeSlow(size)
  let length = 0
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}
