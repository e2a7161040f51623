import { answersAmqp } from './answersAmqp.ts'
import { startEpmd } from './epmd.ts'
import type { OwnFolder } from './ownFolder.ts'
import { OwnProcess } from './ownProcess.ts'
import { environmentOf, type NodePlace } from './rabbitmqSettings.ts'

/** On a busy machine, with others that start beside it. */
const readyWithinMs = 180_000

/** What runs of a node: the server, and its epmd where that is its own. */
export class RabbitmqNode {
  readonly server: OwnProcess
  readonly #epmd: OwnProcess | null

  /** Resolves when clients can connect. @throws NotStarted */
  static async start(
    command: string,
    place: NodePlace,
    folder: OwnFolder,
    hasOwnEpmd: boolean,
  ): Promise<RabbitmqNode> {
    const epmd = hasOwnEpmd ? await startEpmd(place.ports.epmd, folder) : null
    const ready = /Server startup complete/
    const program = { command, args: [], env: environmentOf(place), ready, readyWithinMs }
    try {
      const node = new RabbitmqNode(await OwnProcess.start(program, folder), epmd)
      await node.#answers(place.ports.amqp)
      return node
    } catch (error) {
      await epmd?.end('SIGKILL')
      throw error
    }
  }

  private constructor(server: OwnProcess, epmd: OwnProcess | null) {
    this.server = server
    this.#epmd = epmd
  }

  /** Waits until all of it has ended; SIGTERM lets the server end in order. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.server.end(signal)
    await this.#epmd?.end(signal)
  }

  async #answers(port: number): Promise<void> {
    try {
      await answersAmqp(port)
    } catch (error) {
      await this.server.end('SIGKILL')
      throw error
    }
  }
}
