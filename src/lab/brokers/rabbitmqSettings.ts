import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where one node lives: what is its own, so that several run on one machine. */
export interface NodePlace {
  /** Absolute path of its folder. */
  readonly folder: string
  /** `rabbit1@localhost` */
  readonly name: string
  readonly ports: NodePorts
}

export interface NodePorts {
  readonly amqp: number
  readonly management: number
  /** Where the node takes what other nodes and `rabbitmqctl` say. */
  readonly distribution: number
  /** Where epmd tells who asks for a node by name the port above. */
  readonly epmd: number
}

/**
 * A server lets nobody publish while the machine is short of disk or memory: with what it takes for
 * short by default, small machines are so from the start. Of a relative limit and an absolute one it
 * takes the relative, whichever comes last: only one may stand there.
 */
const limits = ['disk_free_limit.absolute = 1MB', 'vm_memory_high_watermark.relative = 0.8']
const keyOf = (limit: string) => limit.slice(0, limit.indexOf('.') + 1)

export interface NodeSettings {
  /**
   * What nodes and `rabbitmqctl` must know to talk to each other: Erlang reads it from the home
   * folder, and on a command line every user could.
   */
  readonly cookie: string
  /** Further lines of rabbitmq.conf; they win. */
  readonly config: readonly string[]
  /** Those that are on from the first start. @default all that it has */
  readonly featureFlags?: readonly string[]
}

/** The files of a node. */
export async function writeSettings(
  { folder, ports }: NodePlace,
  { cookie, config, featureFlags }: NodeSettings,
): Promise<void> {
  await mkdir(join(folder, 'data'))
  await writeFile(join(folder, '.erlang.cookie'), cookie, { mode: 0o400 })
  await writeFile(join(folder, 'enabled_plugins'), '[rabbitmq_management].\n')
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
    'log.console = true',
    'log.console.level = info',
    'log.console.use_colors = off',
    'log.file = false',
    ...limits.filter((limit) => !config.some((line) => line.startsWith(keyOf(limit)))),
    ...config,
  ]
  await writeFile(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`)
  if (featureFlags === undefined) return
  const flags = `[{rabbit, [{forced_feature_flags_on_init, [${featureFlags.join(', ')}]}]}].\n`
  await writeFile(join(folder, 'advanced.config'), flags)
}

/** All that the scripts of a node are told: nothing of the system's own RabbitMQ, nor of the user's. */
export function environmentOf({ folder, name, ports }: NodePlace): Record<string, string> {
  const file = (name: string) => join(folder, name)
  return {
    PATH: process.env.PATH ?? '',
    LC_ALL: 'C.UTF-8',
    HOME: folder,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // In force for every Erlang that a script starts. One that finds no epmd would start it as a
    // daemon, which ends with nobody.
    ERL_FLAGS: '-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}',
    ERL_CRASH_DUMP_SECONDS: '0',
    RABBITMQ_NODENAME: name,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CTL_DIST_PORT_MIN: '0', // any that is free
    RABBITMQ_CTL_DIST_PORT_MAX: '0',
    RABBITMQ_MNESIA_BASE: file('data'),
    RABBITMQ_LOG_BASE: file('log'),
    RABBITMQ_SCHEMA_DIR: file('schema'),
    RABBITMQ_CONFIG_FILE: file('rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: file('enabled_plugins'),
    // These are not there: the ones of the system would be read instead.
    RABBITMQ_CONFIG_FILES: file('conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: file('advanced.config'),
    RABBITMQ_CONF_ENV_FILE: file('rabbitmq-env.conf'),
    RABBITMQ_MOTD_FILE: file('motd'),
    // The machine is shared with other nodes and with those who test them.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 2:2',
    // The script becomes the server, and passes no signal on: what we start is what we end.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
}
