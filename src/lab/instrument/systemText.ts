import { readFileSync } from 'node:fs'

/** What the kernel says in one of its files; null where there is none, or not for us. */
export type ReadText = (path: string) => string | null

export const systemText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // another system, another kernel, or no right to look
  }
}
