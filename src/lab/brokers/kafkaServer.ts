import { expectFree } from './freePorts.ts'
import { javaArgs, kafkaEnv, kafkaTool } from './kafkaJava.ts'
import type { KafkaProgram } from './kafkaProgram.ts'
import { type KafkaPlace, type KafkaSettings, writeKafkaSettings } from './kafkaSettings.ts'
import { type OwnFolder, ownFolder } from './ownFolder.ts'
import { OwnProcess } from './ownProcess.ts'

/** A node of our own on 127.0.0.1. It ends, and its folder goes, with this process at the latest. */
export interface KafkaServer extends AsyncDisposable {
  /** `kafka://127.0.0.1:PORT` */
  readonly url: string
  /** `127.0.0.1:PORT`, as Kafka's own tools take it. */
  readonly address: string
  readonly port: number
  /** Absolute path of its folder: data and settings. */
  readonly folder: string
  readonly version: string
  /** `on the PATH`, `in .narrowcast/kafka` */
  readonly how: string
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  readonly isRunning: boolean
  /** The end of what this process has logged. */
  readonly log: string
  /** What a tool of Kafka's own prints, by the name of its class: `org.apache.kafka.tools.TopicCommand`. */
  tool(name: string, args: readonly string[], input?: string): Promise<string>
  /** SIGKILL: what it had not written is lost. Data and ports stay for `restart`. */
  kill(): Promise<void>
  /** SIGTERM: it hands over what it leads, and ends. Data and ports stay for `restart`. */
  terminate(): Promise<void>
  /** Starts it again with the same data, ports and settings; terminates it first where it runs. */
  restart(): Promise<void>
  /** Ends it with SIGKILL and removes its folder. Twice is fine. */
  stop(): Promise<void>
}

export interface KafkaServing extends Omit<KafkaPlace, 'folder'>, KafkaSettings {
  /** Of all nodes of a cluster the same. */
  readonly clusterId: string
  /** Names and passwords for SCRAM-SHA-256 and SCRAM-SHA-512, there from the first start. */
  readonly users?: Readonly<Record<string, string>>
}

/** On a busy machine, with others that start beside it. */
const readyWithinMs = 120_000
const node = { logs: 'server', heapMiB: 256 } as const

/** Formats a folder and starts the server in it. @throws NotStarted */
export async function serveKafka(
  program: KafkaProgram,
  serving: KafkaServing,
): Promise<KafkaServer> {
  await expectFree(Object.values(serving.ports))
  const folder = await ownFolder('kafka')
  try {
    const place = { ...serving, folder: folder.path }
    await writeKafkaSettings(place, serving)
    await format(program, folder, serving)
    const start = () => startNode(program, folder)
    return server(await start(), start, place, program, folder)
  } catch (error) {
    await folder.remove()
    throw error
  }
}

async function format(
  program: KafkaProgram,
  folder: OwnFolder,
  { clusterId, users = {} }: KafkaServing,
): Promise<void> {
  const scram = Object.entries(users).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  )
  const args = ['format', `--cluster-id=${clusterId}`, '--config', 'server.properties', ...scram]
  await kafkaTool(program, folder, 'kafka.tools.StorageTool', args)
}

async function startNode({ java, libs }: KafkaProgram, folder: OwnFolder): Promise<OwnProcess> {
  const args = [...javaArgs(libs, folder.path, node), 'kafka.Kafka', 'server.properties']
  const ready = /Kafka Server started/
  return await OwnProcess.start(
    { command: java, args, env: kafkaEnv(folder.path), ready, readyWithinMs },
    folder,
  )
}

function server(
  first: OwnProcess,
  again: () => Promise<OwnProcess>,
  { ports }: KafkaPlace,
  program: KafkaProgram,
  folder: OwnFolder,
): KafkaServer {
  let running = first
  const address = `127.0.0.1:${ports.clients}`
  const stop = async () => {
    await running.end('SIGKILL')
    await folder.remove()
  }
  return {
    url: `kafka://${address}`,
    address,
    port: ports.clients,
    folder: folder.path,
    version: program.version,
    how: program.how,
    get pid() {
      return running.pid
    },
    get isRunning() {
      return running.isRunning
    },
    get log() {
      return running.output
    },
    tool: async (name, args, input) => await kafkaTool(program, folder, name, args, input),
    kill: async () => await running.end('SIGKILL'),
    terminate: async () => await running.end('SIGTERM'),
    async restart() {
      await running.end('SIGTERM')
      running = await again()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
