import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const page = await readFile(join(import.meta.dirname, '../../docs/drivers/redis.md'), 'utf8')

const isRight = (word: string) => /^[-+]/.test(word)

/** What the page says that a user needs, without the right to read settings. */
export const rights = (/^ACL SETUSER shop on >PASSWORD ([^`]*)^```/m.exec(page)?.[1] ?? '')
  .split(/\s+/)
  .filter((word) => isRight(word) && word !== '+config|get')

/** And on a cluster. */
export const clusterRights = (/^- On a cluster also `([^`]*)`/m.exec(page)?.[1] ?? '')
  .split(' ')
  .filter(isRight)
