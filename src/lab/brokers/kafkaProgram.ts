import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { onPath } from './onPath.ts'

/** The archives of a Kafka, and the Java that runs them. */
export interface KafkaProgram {
  /** Absolute path of `java`. */
  readonly java: string
  /** Absolute path of the folder of archives. */
  readonly libs: string
  readonly version: string
  /** `on the PATH`, `in .narrowcast/kafka` */
  readonly how: string
}

/** Where `NARROWCAST_INSTALL_BROKERS=1` puts them. */
export const installedKafka = join(import.meta.dirname, '../../../.narrowcast/kafka')

/** In a distribution, and as some package managers rename it. */
const scripts = ['kafka-server-start.sh', 'kafka-server-start']

/**
 * The first on the PATH, else what was installed in `elsewhere`; null when there is none, or no Java
 * on the PATH. Nothing is started to find out.
 */
export async function findKafkaProgram(elsewhere = installedKafka): Promise<KafkaProgram | null> {
  const java = await onPath('java')
  if (java === null) return null
  for (const name of scripts) {
    const script = await onPath(name)
    if (script === null) continue
    const libs = join(dirname(dirname(await realpath(script))), 'libs')
    const version = await versionIn(libs)
    if (version !== null) return { java, libs, version, how: 'on the PATH' }
  }
  const libs = join(elsewhere, 'libs')
  const version = await versionIn(libs)
  return version === null ? null : { java, libs, version, how: 'in .narrowcast/kafka' }
}

/** The same, for who cannot do without. @throws UNAVAILABLE */
export async function expectKafkaProgram(elsewhere = installedKafka): Promise<KafkaProgram> {
  const program = await findKafkaProgram(elsewhere)
  if (program !== null) return program
  throw new NarrowcastError('UNAVAILABLE', 'kafka: no kafka-server-start.sh is on the PATH', {
    hint: 'Install Java 17 or newer and Kafka 3.7 or newer, and add its folder bin to the PATH.',
  })
}

/** `kafka_2.13-4.3.1.jar` is the server, compiled for that Scala. */
async function versionIn(libs: string): Promise<string | null> {
  const names = await readdir(libs).catch(() => [])
  const versions = names.map((name) => /^kafka_[\d.]+-(\d[\d.]*)\.jar$/.exec(name)?.[1])
  return versions.find((version) => version !== undefined) ?? null
}
