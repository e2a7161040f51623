import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { findKafkaProgram, installedKafka } from '../src/lab/brokers/kafkaProgram.ts'
import { obtainKafka } from '../src/lab/brokers/obtainKafka.ts'
import { obtainRabbitmq } from '../src/lab/brokers/obtainRabbitmq.ts'
import { obtainRedis } from '../src/lab/brokers/obtainRedis.ts'
import { findRabbitmqProgram } from '../src/lab/brokers/rabbitmqProgram.ts'
import { findRedisProgram } from '../src/lab/brokers/redisProgram.ts'
import { installKafka } from './kafkaJars.ts'

/** What decides whether packages may be installed here. */
export interface Machine {
  readonly isRoot: boolean
  readonly isDebian: boolean
  /** A program that is asked before a service is started. */
  readonly policyFile: string
  /** Where Kafka is put. */
  readonly kafkaFolder: string
}

const thisMachine: Machine = {
  isRoot: process.getuid?.() === 0,
  isDebian: existsSync('/etc/debian_version'),
  policyFile: '/usr/sbin/policy-rc.d',
  kafkaFolder: installedKafka,
}

/** What tests need of a machine, in the words of its packages. */
interface Package {
  readonly name: string
  /** Its version; null where it is not there. */
  readonly find: () => Promise<string | null>
  /** The variable that names one elsewhere. */
  readonly givenBy?: string
}

const packages: readonly Package[] = [
  {
    name: 'redis-server',
    find: async () => (await findRedisProgram())?.version ?? null,
    givenBy: 'NARROWCAST_TEST_REDIS_URL',
  },
  {
    name: 'rabbitmq-server',
    find: async () => (await findRabbitmqProgram())?.version ?? null,
    givenBy: 'NARROWCAST_TEST_RABBITMQ_URL',
  },
  { name: 'chromium', find: chromiumVersion },
]

const kafkaUrl = 'NARROWCAST_TEST_KAFKA_URL'

async function chromiumVersion(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('chromium', ['--version'])
    return /\d[\d.]*/.exec(stdout)?.[0] ?? 'of unknown version'
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/**
 * Installs the Debian package of each broker and browser that the tests need and that is neither
 * here nor given by a URL, as root on a Debian system, and only with NARROWCAST_INSTALL_BROKERS=1.
 * No service of it is started. Kafka, which no package of Debian has, comes by Maven into a folder of
 * ours, for any user. What goes wrong is no reason to stop: the tests say what they lack.
 *
 * @returns what was done or why not, a line for each; none where nothing was asked or is missing.
 */
export async function installBrokers(machine = thisMachine): Promise<string[]> {
  if (process.env.NARROWCAST_INSTALL_BROKERS !== '1') return []
  const said: string[] = []
  for (const one of packages) {
    if (!isGiven(one.givenBy) && (await one.find()) === null) said.push(await install(one, machine))
  }
  if (!isGiven(kafkaUrl) && (await findKafkaProgram(machine.kafkaFolder)) === null) {
    said.push(await orWhyNot('kafka', () => installKafka(machine.kafkaFolder)))
  }
  return said
}

const isGiven = (variable = '') => (process.env[variable] ?? '') !== ''

async function install({ name, find }: Package, machine: Machine): Promise<string> {
  if (!machine.isRoot) return `${name} is not installed: only root may do that`
  if (!machine.isDebian) return `${name} is not installed: this is no Debian system`
  return await orWhyNot(name, async () => {
    await installPackage(name, machine.policyFile)
    const version = await find()
    if (version === null) return `${name} is installed, and yet not on the PATH`
    return `installed ${name} ${version}`
  })
}

async function orWhyNot(name: string, install: () => Promise<string>): Promise<string> {
  try {
    return await install()
  } catch (error) {
    return `${name} is not installed: ${textOf(error)}`
  }
}

/** Debian starts a service as soon as its package is there, unless a policy says no. */
async function installPackage(name: string, policyFile: string): Promise<void> {
  const isOurs = !existsSync(policyFile)
  if (isOurs) await writeFile(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await aptGet('update')
    await aptGet('install', '--yes', '--no-install-recommends', name)
  } finally {
    if (isOurs) await rm(policyFile)
  }
}

async function aptGet(...args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const patient = ['--option', 'DPkg::Lock::Timeout=120', '--quiet=2']
  await promisify(execFile)('apt-get', [...patient, ...args], { env })
}

/** For each broker: its version and how it was found, or why it is not there. */
export async function brokersFound(): Promise<string> {
  const all = [
    found('redis', redisFound),
    found('rabbitmq', rabbitmqFound),
    found('kafka', kafkaFound),
  ]
  return (await Promise.all(all)).join(', ')
}

interface Found {
  readonly version: string
  readonly how: string
}

/** `find` returns why there is none as a text. */
async function found(name: string, find: () => Promise<Found | string>): Promise<string> {
  try {
    const one = await find()
    if (typeof one === 'string') return `no ${name} (${one})`
    return `${name} ${one.version} (${one.how})`
  } catch (error) {
    return `no ${name} (${textOf(error)})`
  }
}

async function redisFound(): Promise<Found | string> {
  const { redis, missing } = await obtainRedis()
  await redis?.stop()
  return redis ?? missing
}

/** One of our own would take seconds to start, after every run: it is named without that. */
async function rabbitmqFound(): Promise<Found | string> {
  const program = isGiven('NARROWCAST_TEST_RABBITMQ_URL') ? null : await findRabbitmqProgram()
  if (program !== null) return program
  const { rabbitmq, missing } = await obtainRabbitmq()
  await rabbitmq?.stop()
  return rabbitmq ?? missing
}

async function kafkaFound(): Promise<Found | string> {
  const program = isGiven(kafkaUrl) ? null : await findKafkaProgram()
  if (program !== null) return program
  const { kafka, missing } = await obtainKafka()
  await kafka?.stop()
  return kafka ?? missing
}

const textOf = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s*\n\s*/g, '; ')
