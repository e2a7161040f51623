import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { isFile, onPath } from './onPath.ts'

/** The scripts of a RabbitMQ that any user can start with folders of their own. */
export interface RabbitmqProgram {
  /** Absolute path of `rabbitmq-server`. */
  readonly command: string
  /** Absolute path of `rabbitmqctl`. */
  readonly ctl: string
  readonly version: string
  /** `on the PATH`, `in /usr/lib/rabbitmq/bin` */
  readonly how: string
}

/**
 * Where packages of Linux systems keep the scripts. What they put on the PATH is a wrapper, which
 * lets only root and its own user in, and only to the folders of the system's service.
 */
const packaged = '/usr/lib/rabbitmq/bin'

/**
 * The first on the PATH, else the packaged one; null when there is none, or no Erlang on the PATH to
 * run it. Nothing is started to find out.
 */
export async function findRabbitmqProgram(elsewhere = packaged): Promise<RabbitmqProgram | null> {
  for (const needed of ['erl', 'epmd']) if ((await onPath(needed)) === null) return null
  const found = await onPath('rabbitmq-server')
  const how = found === null ? `in ${elsewhere}` : 'on the PATH'
  const beside = found === null ? null : await scriptsIn(dirname(await realpath(found)))
  const scripts = beside ?? (await scriptsIn(elsewhere))
  return scripts && { ...scripts, how }
}

/** The same, for who cannot do without. @throws UNAVAILABLE */
export async function expectRabbitmqProgram(): Promise<RabbitmqProgram> {
  const program = await findRabbitmqProgram()
  if (program !== null) return program
  throw new NarrowcastError('UNAVAILABLE', 'rabbitmq: no rabbitmq-server is on the PATH', {
    hint: 'Install RabbitMQ 3.10 or newer, and Erlang.',
  })
}

/** A wrapper has not beside it what the real script reads. */
async function scriptsIn(folder: string): Promise<Omit<RabbitmqProgram, 'how'> | null> {
  for (const name of ['rabbitmq-server', 'rabbitmqctl', 'rabbitmq-env', 'rabbitmq-defaults']) {
    if (!(await isFile(join(folder, name)))) return null
  }
  const command = await realpath(join(folder, 'rabbitmq-server'))
  const home = dirname(dirname(command))
  return { command, ctl: join(dirname(command), 'rabbitmqctl'), version: await versionOf(home) }
}

/** The server is a plugin among its plugins: `rabbit-4.1.0`, a folder or an archive. */
async function versionOf(home: string): Promise<string> {
  const plugins = await readdir(join(home, 'plugins')).catch(() => [])
  const versions = plugins.map((name) => /^rabbit-(\d.*?)(\.ez)?$/.exec(name)?.[1])
  return versions.find((version) => version !== undefined) ?? 'of unknown version'
}
