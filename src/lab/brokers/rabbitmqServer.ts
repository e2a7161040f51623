import { expectFree } from './freePorts.ts'
import { onFreePort } from './onFreePort.ts'
import { type OwnFolder, ownFolder } from './ownFolder.ts'
import { rabbitmqctl } from './rabbitmqctl.ts'
import { RabbitmqNode } from './rabbitmqNode.ts'
import { expectRabbitmqProgram, type RabbitmqProgram } from './rabbitmqProgram.ts'
import {
  environmentOf,
  type NodePlace,
  type NodePorts,
  type NodeSettings,
  writeSettings,
} from './rabbitmqSettings.ts'

/** A node of our own on 127.0.0.1. It ends, and its folder goes, with this process at the latest. */
export interface RabbitmqServer extends AsyncDisposable {
  /** `amqp://127.0.0.1:PORT`: the login guest/guest, which clients take by default, may do all. */
  readonly url: string
  /** `http://127.0.0.1:PORT`, with the same login. */
  readonly management: string
  /** Of AMQP. */
  readonly port: number
  /** What other nodes and `rabbitmqctl` call it: `rabbit1@localhost`. */
  readonly name: string
  /** Absolute path of its folder: data, settings, cookie. */
  readonly folder: string
  readonly version: string
  /** `on the PATH`, `in /usr/lib/rabbitmq/bin` */
  readonly how: string
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  readonly isRunning: boolean
  /** The end of what this process has logged. */
  readonly log: string
  /** What `rabbitmqctl` prints when it is called with these words: data alone. */
  ctl(...args: readonly string[]): Promise<string>
  /** SIGKILL: what it had not written is lost. Data and ports stay for `restart`. */
  kill(): Promise<void>
  /** SIGTERM: it ends in order. Data and ports stay for `restart`. */
  terminate(): Promise<void>
  /** Starts it again with the same data, ports and settings; terminates it first where it runs. */
  restart(): Promise<void>
  /** Ends it with SIGKILL and removes its folder. Twice is fine. */
  stop(): Promise<void>
}

export interface Serving extends NodeSettings {
  /** The part of its name before `@localhost`. */
  readonly name: string
  /** Of an epmd that runs as long as the node does. @default one of its own */
  readonly epmdPort?: number
}

/** Starts the program of this machine with these settings. @throws UNAVAILABLE */
export async function serveRabbitmq(serving: Serving): Promise<RabbitmqServer> {
  const program = await expectRabbitmqProgram()
  return await onFreePort(async (port) => {
    const ports = {
      amqp: port,
      management: port + 1,
      distribution: port + 2,
      epmd: serving.epmdPort ?? port + 3,
    }
    await expectFree([port, port + 1, port + 2, port + 3])
    const folder = await ownFolder('rabbitmq')
    try {
      return await serveAt(ports, program, serving, folder)
    } catch (error) {
      await folder.remove()
      throw error
    }
  })
}

async function serveAt(
  ports: NodePorts,
  program: RabbitmqProgram,
  { name, epmdPort, ...settings }: Serving,
  folder: OwnFolder,
): Promise<RabbitmqServer> {
  const place = { folder: folder.path, name: `${name}@localhost`, ports }
  await writeSettings(place, settings)
  const start = async () =>
    await RabbitmqNode.start(program.command, place, folder, epmdPort === undefined)
  return server(await start(), start, place, program, folder)
}

function server(
  first: RabbitmqNode,
  again: () => Promise<RabbitmqNode>,
  { name, ports }: NodePlace,
  { version, how, ctl }: RabbitmqProgram,
  folder: OwnFolder,
): RabbitmqServer {
  let running = first
  const env = environmentOf({ folder: folder.path, name, ports })
  const stop = async () => {
    await running.end('SIGKILL')
    await folder.remove()
  }
  return {
    url: `amqp://127.0.0.1:${ports.amqp}`,
    management: `http://127.0.0.1:${ports.management}`,
    port: ports.amqp,
    name,
    folder: folder.path,
    version,
    how,
    get pid() {
      return running.server.pid
    },
    get isRunning() {
      return running.server.isRunning
    },
    get log() {
      return running.server.output
    },
    ctl: async (...args) => await rabbitmqctl(ctl, args, env, folder),
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
