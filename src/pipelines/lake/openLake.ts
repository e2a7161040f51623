import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import { markNames, withMarks } from '../defineTable.ts'
import { diskTrouble } from '../disk.ts'
import type { TableSchema } from '../encoders/encoder.ts'
import {
  checkFree,
  checkLocal,
  checkOneDevice,
  makeRoot,
  tryFolder,
  volumeOf,
} from '../folderChecks.ts'
import type { OpenSink, SinkContext } from '../sink.ts'
import type { LakeTable } from './commitFiles.ts'
import type { LakePlan } from './lake.ts'
import { checkLakeFormat, lakeFormat } from './lakeFormat.ts'
import { LakeSink } from './lakeSink.ts'
import { deadFolder, lakeFile, manifestFile, tempFolder, tempName } from './layout.ts'
import { tryLocks } from './lockTrial.ts'
import { Manifest } from './manifest.ts'
import { Membership } from './membership.ts'
import { traceOfCommits } from './traces.ts'
import { tableVersion } from './versions.ts'

/** Checks the folder, opens its manifest, takes a slot, recovers what dead workers left. */
export async function openLake(plan: LakePlan, context: SinkContext): Promise<OpenSink> {
  const { root, disk } = plan
  const { tables } = context.pipeline
  await makeRoot(disk, root, [tempFolder, deadFolder])
  const volume = await volumeOf(root)
  checkLocal(root, volume)
  checkFree(root, volume, plan.bytesMax)
  await checkOneDevice(root, tempFolder, [deadFolder, ...tables.map(({ name }) => name)])
  const hasLake = await readLakeFile(plan)
  const manifest = await openManifest(plan, hasLake, context)
  try {
    const membership = new Membership(plan, context, manifest)
    await membership.join()
    try {
      const [from, to] = [0, 1].map((n) => join(root, tempName(membership.owner, 'trial', n)))
      await tryFolder(disk, 'rename', from as string, to as string)
      await tryLocks(disk, volume.kind, to as string)
      if (!hasLake) await writeLakeFile(plan, membership.owner)
      const schemas = tables.map((table) => written(table, plan.hasMarks))
      const versioned: LakeTable[] = []
      for (const schema of schemas) {
        versioned.push({ schema, version: await tableVersion(manifest, schema) })
      }
      membership.start()
      return new LakeSink(plan, context, manifest, membership, versioned)
    } catch (error) {
      await membership.leave(false)
      throw error
    }
  } catch (error) {
    await manifest.close()
    throw asNarrowcastError(error)
  }
}

/** With marks, a table that has such columns of its own gives way to them. */
function written({ name, key, columns }: TableSchema, hasMarks: boolean): TableSchema {
  if (!hasMarks) return { name, key, columns }
  return withMarks({ name, key, columns: columns.filter((one) => !markNames.includes(one.name)) })
}

async function openManifest(
  plan: LakePlan,
  hasLake: boolean,
  { signal, warn }: SinkContext,
): Promise<Manifest> {
  const path = join(plan.root, manifestFile)
  await checkManifest(plan, path, hasLake)
  const options = {
    path,
    isDurable: plan.durability === 'fsync',
    busyMs: plan.busyMs,
    heartbeatMs: plan.heartbeatMs,
    idsKeptMs: plan.idsKeptMs,
    unsettledKeptMs: plan.unsettledKeptMs,
    deadBytesMax: plan.deadBytesMax,
  }
  for (;;) {
    try {
      return await Manifest.open(options)
    } catch (error) {
      const ours = asNarrowcastError(error)
      if (ours.code !== 'BUSY' || signal.aborted) throw ours
      warn(ours)
    }
  }
}

/** Every commit is in the manifest before its files are in place. @throws LAKE_DAMAGED */
async function checkManifest({ root, disk }: LakePlan, path: string, hasLake: boolean) {
  if (await disk.exists(path)) return
  const trace = hasLake ? lakeFile : await traceOfCommits(root)
  // Looked for again: another worker may have begun the folder, and landed, meanwhile.
  if (trace === null || (!hasLake && (await disk.exists(path)))) return
  throw new NarrowcastError(
    'LAKE_DAMAGED',
    `${path} is gone, and ${trace} is there: without it nobody knows which messages have landed`,
    { hint: 'Put it back from a copy, or start a new folder.' },
  )
}

async function readLakeFile({ root }: LakePlan): Promise<boolean> {
  const path = join(root, lakeFile)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw diskTrouble(`cannot read ${path}`, error)
  }
  checkLakeFormat(path, text)
  return true
}

/** Written after the manifest: where it is there, the manifest must be. */
async function writeLakeFile({ root, disk }: LakePlan, owner: string): Promise<void> {
  const path = join(root, lakeFile)
  const temp = join(root, tempName(owner, 'lake', 0))
  try {
    await writeFile(temp, `${JSON.stringify({ format: lakeFormat, madeBy: 'narrowcast' })}\n`)
    await disk.sync(temp)
    await disk.rename(temp, path) // several starters write the same bytes
    await disk.syncFolder(root)
  } catch (error) {
    throw diskTrouble(`cannot write ${path}`, error)
  }
}
