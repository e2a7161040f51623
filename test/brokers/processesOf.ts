import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

/**
 * Every process whose environment names this folder, by its program: also those that detached
 * themselves. Null where the system does not tell.
 */
export async function processesOf(folder: string): Promise<string[] | null> {
  if (!existsSync('/proc/self/environ')) return null
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    if (!(await read(pid, 'environ')).includes(folder)) continue
    found.push((await read(pid, 'comm')).trim())
  }
  return found
}

/** Empty for one that has ended meanwhile, or is somebody else's. */
async function read(pid: string, what: string): Promise<string> {
  return await readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '')
}
