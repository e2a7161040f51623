import { join } from 'node:path'
import { type Disk, diskTrouble } from '../disk.ts'
import type { Membership } from './membership.ts'

/**
 * Looks which dead letters somebody has taken away, once their limit is reached; the manifest then
 * counts them no longer. @returns whether there were any.
 */
export async function noteTaken(
  disk: Disk,
  root: string,
  membership: Pick<Membership, 'call'>,
): Promise<boolean> {
  const taken: string[] = []
  for (const path of await membership.call('letters')) {
    try {
      if (!(await disk.exists(join(root, path)))) taken.push(path)
    } catch (error) {
      throw diskTrouble(`cannot look at ${path}`, error)
    }
  }
  if (taken.length > 0) await membership.call('taken', taken)
  return taken.length > 0
}
