import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './start.ts'

/** The folders of src/drivers; those that begin with `_` are shared parts. */
export async function driverNames(): Promise<string[]> {
  const entries = await readdir(join(root, 'src/drivers'), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
  return folders.map(({ name }) => name).sort()
}

/** Where a URL does not begin with the name of the folder alone: the usual one first. */
const schemes: Readonly<Record<string, readonly string[]>> = {
  kafka: ['kafka', 'kafkas'],
  rabbitmq: ['amqp', 'amqps'],
  redis: ['redis', 'rediss'],
}

export function schemesOf(driver: string): readonly string[] {
  return schemes[driver] ?? [driver]
}
