import { hash } from 'node:crypto'
import { opendir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { randomName } from '../../core/ids.ts'
import { diskTrouble } from '../disk.ts'
import type { TableSchema } from '../encoders/encoder.ts'
import { checkFree, checkOneDevice, makeRoot, tryFolder, volumeOf } from '../folderChecks.ts'
import { stateOf, thisProcess } from '../lake/owner.ts'
import type { OpenSink, SinkContext } from '../sink.ts'
import type { PerKeyPlan } from './perKey.ts'
import { type KeyTable, PerKeySink } from './perKeySink.ts'

export const tempFolder = '_tmp'
const tempEnd = '.inprogress'

/** Checks the folder and its tables, and clears away what dead workers left half written. */
export async function openPerKey(plan: PerKeyPlan, context: SinkContext): Promise<OpenSink> {
  const { root, disk } = plan
  const tables = context.pipeline.tables.map((table) => keyTable(plan, table))
  await makeRoot(disk, root, [tempFolder, ...tables.map(({ folder }) => folder)])
  checkFree(root, await volumeOf(root), plan.bytesMax)
  await checkOneDevice(
    root,
    tempFolder,
    tables.map(({ folder }) => folder),
  )
  const owner = ownerToken()
  await sweep(plan, owner)
  const nextTemp = tempNames(join(root, tempFolder), owner)
  await tryFolder(disk, 'link', nextTemp(), nextTemp())
  for (const table of tables) table.files = await countFiles(join(root, table.folder))
  return new PerKeySink(plan, context, tables, nextTemp)
}

/** @throws INVALID_ARGUMENT for a table whose files the key cannot name. */
function keyTable(plan: PerKeyPlan, { name, key, columns }: TableSchema): KeyTable {
  const column = columns.find((one) => one.name === plan.key)
  const wrong =
    column === undefined
      ? 'has no such column'
      : column.nullable
        ? 'lets it be null'
        : typeof column.type === 'object' || column.type === 'json'
          ? 'has more than one value in it'
          : null
  if (wrong !== null) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `perKey: files are named after ${JSON.stringify(plan.key)}, and table ${name} ${wrong}`,
    )
  }
  const written = plan.isNullable ? columns.map((one) => ({ ...one, nullable: true })) : columns
  return {
    schema: { name, key, columns: written },
    folder: plan.folder === '' ? name : `${plan.folder}/${name}`,
    files: 0,
  }
}

/** Says which process wrote a temporary file; never used twice. */
function ownerToken(): string {
  const { pid, started, boot } = thisProcess()
  return `${pid}.${started}.${bootMark(boot)}.${randomName(12)}`
}

function bootMark(boot: string): string {
  return hash('sha256', boot, 'hex').slice(0, 12)
}

function tempNames(folder: string, owner: string): () => string {
  let count = 0
  return () => join(folder, `${owner}-${count++}${tempEnd}`)
}

/**
 * A temporary file is never the only name of something settled, so those of processes that are
 * certainly gone can go.
 */
async function sweep({ root, disk }: PerKeyPlan, owner: string): Promise<void> {
  const here = thisProcess()
  for (const name of await readdir(join(root, tempFolder))) {
    const [pid, started, boot] = name.split('.')
    if (!name.endsWith(tempEnd) || name.startsWith(owner) || boot !== bootMark(here.boot)) continue
    const process = { pid: Number(pid), started: started ?? '', boot: here.boot }
    if (stateOf(process, here) !== 'gone') continue
    await disk.remove(join(root, tempFolder, name)).catch((error: unknown) => {
      throw diskTrouble(`cannot delete ${name}`, error)
    })
  }
}

async function countFiles(folder: string): Promise<number> {
  let count = 0
  for await (const _ of await opendir(folder)) count++
  return count
}
