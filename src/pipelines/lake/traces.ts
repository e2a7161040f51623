import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { diskTrouble } from '../disk.ts'
import { deadFolder } from './layout.ts'

const isPart = (name: string) => name.startsWith('part-')
const isLetter = (name: string) => name.endsWith('.ndjson')

/** A file that a commit has put into this folder; null where there is none. */
export async function traceOfCommits(root: string): Promise<string | null> {
  try {
    for (const pipeline of await foldersIn(root, deadFolder)) {
      const found = await fileOfDays(root, `${deadFolder}/${pipeline}`, isLetter)
      if (found !== null) return found
    }
    for (const table of await foldersIn(root, '')) {
      if (table.startsWith('_')) continue
      const versions = (await foldersIn(root, table)).filter((name) => name.startsWith('v='))
      for (const folder of [table, ...versions.map((name) => `${table}/${name}`)]) {
        const found = await fileOfDays(root, folder, isPart)
        if (found !== null) return found
      }
    }
    return null
  } catch (error) {
    throw diskTrouble(`cannot look through ${root}`, error)
  }
}

async function fileOfDays(
  root: string,
  folder: string,
  isOurs: (name: string) => boolean,
): Promise<string | null> {
  for (const day of await foldersIn(root, folder)) {
    if (!day.startsWith('date=')) continue
    const name = (await readdir(join(root, folder, day))).find(isOurs)
    if (name !== undefined) return `${folder}/${day}/${name}`
  }
  return null
}

async function foldersIn(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}
