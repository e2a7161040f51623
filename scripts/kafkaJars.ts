import { execFile } from 'node:child_process'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findKafkaProgram, installedKafka } from '../src/lab/brokers/kafkaProgram.ts'
import { onPath } from '../src/lab/brokers/onPath.ts'

/** The server, its tools, and what writes its log: all that a distribution has, where Maven has it. */
const artifacts = [
  ['org.apache.kafka', 'kafka_2.13', '4.3.1'],
  ['org.apache.kafka', 'kafka-tools', '4.3.1'],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4'],
] as const

/** Of the archives. */
const javaLeast = 17

const run = promisify(execFile)

/**
 * Puts the archives of Kafka and what they need below .narrowcast, by Maven. What was there of an
 * install that was broken off goes.
 * @returns what was done. @throws where that is not possible
 */
export async function installKafka(folder = installedKafka): Promise<string> {
  for (const needed of ['java', 'mvn']) {
    if ((await onPath(needed)) === null) throw new Error(`no ${needed} is on the PATH`)
  }
  const java = await javaVersion()
  if (java < javaLeast) throw new Error(`it needs Java ${javaLeast}, and java is ${java}`)
  const making = `${folder}.making`
  await rm(making, { recursive: true, force: true })
  await mkdir(making, { recursive: true })
  const pom = join(making, 'pom.xml')
  await writeFile(pom, pomOf())
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${join(making, 'libs')}`]
  await run('mvn', ['--quiet', '--batch-mode', '--file', pom, ...goal, '-DincludeScope=runtime'])
  await rm(folder, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true })
  await rename(making, folder)
  const program = await findKafkaProgram(folder)
  if (program === null) throw new Error('Maven has brought no archive of the server')
  return `installed kafka ${program.version}`
}

async function javaVersion(): Promise<number> {
  const { stderr } = await run('java', ['-version'])
  const found = /version "(?:1\.)?(\d+)/.exec(stderr)?.[1]
  if (found === undefined) throw new Error(`java tells no version: ${stderr}`)
  return Number(found)
}

function pomOf(): string {
  const names = ['groupId', 'artifactId', 'version'] as const
  const dependencies = artifacts.map((values) => {
    const parts = names.map((name, at) => `<${name}>${values[at]}</${name}>`)
    return `<dependency>${parts.join('')}</dependency>`
  })
  return `<project>
<modelVersion>4.0.0</modelVersion>
<groupId>narrowcast</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
${dependencies.join('\n')}
</dependencies>
</project>
`
}
