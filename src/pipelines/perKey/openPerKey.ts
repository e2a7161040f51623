import { hash } from 'node:crypto'
import { opendir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { randomName } from '../../core/ids.ts'
import { diskTrouble, errnoOf } from '../disk.ts'
import type { TableSchema } from '../encoders/encoder.ts'
import { checkFree, checkOneDevice, makeRoot, tryFolder, volumeOf } from '../folderChecks.ts'
import { stateOf, thisProcess } from '../lake/owner.ts'
import type { OpenSink, SinkContext } from '../sink.ts'
import type { PerKeyPlan } from './perKey.ts'
import { type KeyTable, PerKeySink } from './perKeySink.ts'

export const tempFolder = '_tmp'
const tempEnd = '.inprogress'
/** No worker takes so long from a temporary file to its name. */
const strayMs = 2 * 86_400_000

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
  await sweep(plan, owner, context.clock.wallMs())
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
 * certainly gone can go. Of an earlier boot, or another container, only the age of a file tells.
 */
async function sweep({ root, disk }: PerKeyPlan, owner: string, nowMs: number): Promise<void> {
  for (const name of await readdir(join(root, tempFolder))) {
    if (!name.endsWith(tempEnd) || name.startsWith(owner)) continue
    const path = join(root, tempFolder, name)
    try {
      if (isGone(name) ?? (await isOlder(path, nowMs - strayMs))) await disk.remove(path)
    } catch (error) {
      throw diskTrouble(`cannot delete ${name}`, error)
    }
  }
}

/** Whether the process that this name tells of has ended; null where nobody here can know. */
function isGone(name: string): boolean | null {
  const here = thisProcess()
  const [pid, started, boot] = name.split('.')
  if (boot !== bootMark(here.boot)) return null
  return stateOf({ pid: Number(pid), started: started ?? '', boot: here.boot }, here) === 'gone'
}

async function isOlder(path: string, timeMs: number): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < timeMs
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false // another starter was faster
    throw error
  }
}

async function countFiles(folder: string): Promise<number> {
  let count = 0
  for await (const _ of await opendir(folder)) count++
  return count
}
