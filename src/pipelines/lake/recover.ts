import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Disk } from '../disk.ts'
import { diskTrouble } from '../disk.ts'
import type { Step } from '../sink.ts'
import { ownerOfTemp, tempFolder } from './layout.ts'
import type { Membership } from './membership.ts'
import { place } from './place.ts'

export interface RecoverHost {
  readonly root: string
  readonly disk: Disk
  /** Waits where another process keeps the manifest locked. */
  readonly manifest: Pick<Membership, 'call'>
  step(step: Step, ids: readonly string[]): Promise<void>
}

/**
 * Finishes what expelled owners left: their committed files come into place, and what they wrote
 * beside goes away. Each owner is expelled by a transaction before this, so no commit of it can
 * follow; doing this twice, or by two processes at once, does the same. Never deletes in `_dead`.
 * @throws LAKE_DAMAGED where a committed file is nowhere.
 */
export async function recover(host: RecoverHost, expelled: readonly string[]): Promise<void> {
  const { root, disk, manifest } = host
  if (expelled.length > 0) {
    await host.step('expelled', [])
    await place(disk, root, await manifest.call('committed', expelled))
    await host.step('replaced', [])
  }
  await sweep(host)
  if (expelled.length === 0) return
  await manifest.call('recovered', expelled)
  await host.step('cleaned', [])
}

/** Temporary files of owners that are certainly gone; a stopped one may have left some later. */
async function sweep({ root, disk, manifest }: RecoverHost): Promise<void> {
  const temps: { name: string; owner: string }[] = []
  for (const name of await namesIn(join(root, tempFolder))) {
    const owner = ownerOfTemp(name)
    if (owner !== null) temps.push({ name: `${tempFolder}/${name}`, owner })
  }
  if (temps.length === 0) return
  for (const name of await manifest.call('leftovers', temps)) {
    try {
      await disk.remove(join(root, name))
    } catch (error) {
      throw diskTrouble(`cannot delete ${name}`, error)
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw diskTrouble(`cannot read ${folder}`, error)
  }
}
