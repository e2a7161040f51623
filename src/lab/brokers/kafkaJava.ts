import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { KafkaProgram } from './kafkaProgram.ts'
import type { OwnFolder } from './ownFolder.ts'

const endsWithinMs = 120_000
const tool = { logs: 'tool', heapMiB: 128 } as const

/** Small, and soon at work: a node of ours serves tests. */
export function javaArgs(
  libs: string,
  folder: string,
  what: { readonly logs: 'server' | 'tool'; readonly heapMiB: number },
): string[] {
  return [
    `-Xmx${what.heapMiB}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    `-Dlog4j2.configurationFile=${join(folder, `${what.logs}.log.properties`)}`,
    '-cp',
    join(libs, '*'),
  ]
}

/** Nothing of the user's own Java or Kafka. */
export const kafkaEnv = (folder: string) => ({
  PATH: process.env.PATH ?? '',
  LC_ALL: 'C.UTF-8',
  HOME: folder,
})

/**
 * What a tool of Kafka's own prints, by the name of its class: `org.apache.kafka.tools.TopicCommand`.
 * It ends with the folder. Rejects with what it complains of.
 */
export async function kafkaTool(
  { java, libs }: KafkaProgram,
  folder: OwnFolder,
  name: string,
  args: readonly string[],
  input = '',
): Promise<string> {
  const running = promisify(execFile)(java, [...javaArgs(libs, folder.path, tool), name, ...args], {
    env: kafkaEnv(folder.path),
    cwd: folder.path,
    timeout: endsWithinMs,
    killSignal: 'SIGKILL',
  })
  const ended = folder.endBy(`kill -9 ${running.child.pid}`)
  running.child.stdin?.end(input)
  try {
    return (await running).stdout
  } finally {
    ended()
  }
}
