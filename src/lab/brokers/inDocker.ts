import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { ownFolder } from './ownFolder.ts'
import { OwnProcess } from './ownProcess.ts'

export interface Image {
  readonly image: string
  /** Where the server listens inside. */
  readonly port: number
  /** It is ready when its log matches. */
  readonly ready: RegExp
}

export interface Container {
  /** `127.0.0.1:PORT` */
  readonly address: string
  stop(): Promise<void>
}

/** The image may have to be fetched first. */
const readyWithinMs = 300_000

const docker = async (...args: string[]) =>
  await promisify(execFile)('docker', args, { timeout: 10_000 })

/** A server in a container that ends with this process at the latest; null where no engine answers. */
export async function startInDocker({ image, port, ready }: Image): Promise<Container | null> {
  if (!(await answers())) return null
  const folder = await ownFolder('docker')
  const name = `narrowcast-${randomUUID()}`
  const args = ['run', '--rm', '--name', name, '--publish', `127.0.0.1::${port}`, image]
  const endBy = `docker rm --force ${name}`
  try {
    await OwnProcess.start({ command: 'docker', args, ready, readyWithinMs, endBy }, folder)
    const { stdout } = await docker('port', name, `${port}/tcp`)
    return { address: stdout.trim(), stop: folder.remove }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

/** Many have the program without the engine. */
async function answers(): Promise<boolean> {
  try {
    await docker('version')
    return true
  } catch {
    return false
  }
}
