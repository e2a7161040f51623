import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { brokersFound, installBrokers } from '../scripts/brokers.ts'

let folder = ''
/** All that RabbitMQ is found by. */
const rabbitmq = [
  'rabbitmq-server',
  'rabbitmqctl',
  'rabbitmq-env',
  'rabbitmq-defaults',
  'erl',
  'epmd',
]
const programs = () => join(folder, 'bin')
const machine = () => ({
  isRoot: true,
  isDebian: true,
  policyFile: join(folder, 'policy-rc.d'),
  kafkaFolder: join(folder, 'kafka'),
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-install-'))
  await mkdir(programs())
  for (const name of ['cp', 'rm', 'sh', 'sleep'])
    await symlink(`/bin/${name}`, join(programs(), name))
  vi.stubEnv('PATH', programs())
  vi.stubEnv('NARROWCAST_INSTALL_BROKERS', '1')
  vi.stubEnv('NARROWCAST_TEST_REDIS_URL', '')
  vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', '')
  vi.stubEnv('NARROWCAST_TEST_KAFKA_URL', '')
  await mkdir(join(machine().kafkaFolder, 'libs'), { recursive: true })
  await writeFile(join(machine().kafkaFolder, 'libs', 'kafka_2.13-4.3.1.jar'), '')
  await program('java', `echo 'openjdk version "17.0.15" 2025-04-15' >&2`)
  await program('packed', 'echo Redis server v=7.0.15 sha=0')
  for (const name of rabbitmq) await program(name, 'exit 1')
  await mkdir(join(folder, 'plugins', 'rabbit-3.10.8'), { recursive: true })
  await program('chromium', 'echo Chromium 156.0.8078.73 built on Debian')
  await aptGet(`[ $4 = update ] || cp ${programs()}/packed ${programs()}/redis-server`)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(programs(), name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

/** Writes down how it was called, and whether services may be started. */
async function aptGet(script: string): Promise<void> {
  const policy = machine().policyFile
  const may = `$([ -x ${policy} ] && ${policy}; echo $?)`
  await program('apt-get', `echo $DEBIAN_FRONTEND ${may} "$@" >> ${folder}/calls\n${script}`)
}

const calls = async () => (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n')
const nothingRan = async () => await expect(calls()).rejects.toThrow('ENOENT')

const patient = '--option DPkg::Lock::Timeout=120 --quiet=2'

test('the package is installed without a question, a recommended package or a service', async () => {
  expect(await installBrokers(machine())).toEqual(['installed redis-server 7.0.15'])
  expect(await calls()).toEqual([
    `noninteractive 101 ${patient} update`,
    `noninteractive 101 ${patient} install --yes --no-install-recommends redis-server`,
  ])
  await expect(stat(machine().policyFile)).rejects.toThrow('ENOENT')
  expect(await installBrokers(machine())).toEqual([])
  expect(await calls()).toHaveLength(2)
})

test('a policy that is there already stays as it is', async () => {
  await writeFile(machine().policyFile, '#!/bin/sh\nexit 104\n', { mode: 0o755 })
  await installBrokers(machine())
  expect((await calls())[1]).toMatch(/^noninteractive 104 /)
  expect(await readFile(machine().policyFile, 'utf8')).toContain('104')
})

test.for([
  ['no word of it', { NARROWCAST_INSTALL_BROKERS: '' }],
  ['CI alone', { NARROWCAST_INSTALL_BROKERS: '', CI: 'true' }],
  ['another word', { NARROWCAST_INSTALL_BROKERS: 'yes' }],
  ['a server that is given', { NARROWCAST_TEST_REDIS_URL: 'redis://127.0.0.1:1' }],
] as const)('%s installs nothing', async ([, env]) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  expect(await installBrokers(machine())).toEqual([])
  await nothingRan()
})

test.for([
  ['a user that is not root', { isRoot: false }, 'only root may do that'],
  ['another system', { isDebian: false }, 'this is no Debian system'],
] as const)('%s installs nothing, and is told why', async ([, given, reason]) => {
  const said = await installBrokers({ ...machine(), ...given })
  expect(said).toEqual([`redis-server is not installed: ${reason}`])
  await nothingRan()
})

test('a browser is installed too, also beside a server that is given', async () => {
  vi.stubEnv('NARROWCAST_TEST_REDIS_URL', 'redis://127.0.0.1:1')
  await rm(join(programs(), 'chromium'))
  await program('packed', 'echo Chromium 156.0.8078.73 built on Debian')
  await aptGet(`[ $4 = update ] || cp ${programs()}/packed ${programs()}/chromium`)
  expect(await installBrokers(machine())).toEqual(['installed chromium 156.0.8078.73'])
  expect((await calls())[1]).toMatch(/--no-install-recommends chromium$/)
})

test('RabbitMQ is installed where its Erlang is missing, unless a server is given', async () => {
  vi.stubEnv('NARROWCAST_TEST_REDIS_URL', 'redis://127.0.0.1:1')
  const erl = join(programs(), 'erl')
  await rm(erl)
  vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', 'amqp://127.0.0.1:1')
  expect(await installBrokers(machine())).toEqual([])
  vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', '')
  await aptGet(`[ $4 = update ] || cp ${programs()}/epmd ${erl}`)
  expect(await installBrokers(machine())).toEqual(['installed rabbitmq-server 3.10.8'])
  expect((await calls())[1]).toMatch(/--no-install-recommends rabbitmq-server$/)
})

/** Writes down how it was called, and does what `script` does in the folder of the archives. */
const maven = async (script: string) =>
  await program(
    'mvn',
    `echo "$@" >> ${folder}/calls
for word; do case $word in -DoutputDirectory=*) libs=\${word#*=} ;; esac; done
${script}`,
  )

describe('Kafka', () => {
  beforeEach(async () => {
    vi.stubEnv('NARROWCAST_TEST_REDIS_URL', 'redis://127.0.0.1:1')
    await symlink('/bin/mkdir', join(programs(), 'mkdir'))
    await rm(machine().kafkaFolder, { recursive: true })
  })
  const brings = (version: string) => maven(`mkdir $libs; : > $libs/kafka_2.13-${version}.jar`)

  test('is brought by Maven, for any user, unless a server is given', async () => {
    vi.stubEnv('NARROWCAST_TEST_KAFKA_URL', 'kafka://127.0.0.1:1')
    expect(await installBrokers(machine())).toEqual([])
    vi.stubEnv('NARROWCAST_TEST_KAFKA_URL', '')
    await brings('4.9.9')
    const anybody = { ...machine(), isRoot: false, isDebian: false }
    expect(await installBrokers(anybody)).toEqual(['installed kafka 4.9.9'])
    expect(await calls()).toHaveLength(1)
    expect(await calls()).toEqual([expect.stringContaining('dependency:copy-dependencies')])
    const pom = await readFile(join(machine().kafkaFolder, 'pom.xml'), 'utf8')
    expect(pom).toContain('<artifactId>kafka_2.13</artifactId>')
    expect(await installBrokers(anybody)).toEqual([])
  })

  test.for([
    ['no Maven', 'mvn', null, 'no mvn is on the PATH'],
    ['an old Java', 'java', `echo 'java version "11.0.2"' >&2`, 'it needs Java 17, and java is 11'],
    ['an ancient Java', 'java', `echo 'java version "1.8.0"' >&2`, 'needs Java 17, and java is 8'],
    ['no network', 'mvn', 'echo no network >&2; exit 1', 'no network'],
    ['a Maven that brings nothing', 'mvn', 'mkdir -p $libs', 'no archive of the server'],
  ] as const)('is not there with %s, and the reason is told', async ([, name, script, reason]) => {
    await brings('4.9.9')
    await rm(join(programs(), name))
    if (script !== null && name === 'mvn') await maven(script)
    else if (script !== null) await program(name, script)
    const said = await installBrokers(machine())
    expect(said).toEqual([expect.stringMatching(/^kafka is not installed: /)])
    expect(said[0]).toContain(reason)
  })

  test('is installed anew where an install was broken off', async () => {
    await maven('mkdir $libs; kill -9 $$')
    expect((await installBrokers(machine()))[0]).toMatch(/^kafka is not installed: /)
    await brings('4.9.9')
    expect(await installBrokers(machine())).toEqual(['installed kafka 4.9.9'])
  })
})

test('what apt-get says when it fails is told, and the policy is gone', async () => {
  await aptGet('echo E: no network >&2; exit 100')
  expect(await installBrokers(machine())).toEqual([
    `redis-server is not installed: Command failed: apt-get ${patient} update; E: no network`,
  ])
  await expect(stat(machine().policyFile)).rejects.toThrow('ENOENT')
})

test('a package that brings no program is told', async () => {
  await aptGet('exit 0')
  expect(await installBrokers(machine())).toEqual([
    'redis-server is installed, and yet not on the PATH',
  ])
})

test('the summary names each broker, or why it is not there', async () => {
  const first = async () => (await brokersFound()).split(', rabbitmq ')[0]
  expect(await brokersFound()).toMatch(/^no redis \(no NARROWCAST_TEST_REDIS_URL, .*\), rabbitmq 3/)
  await program('redis-server', '[ "$1" = --version ] && echo v=7.0.15 || echo broken; exit 0')
  expect(await first()).toMatch(/^no redis \(.* before it was ready; broken\)$/)
})

test('the summary names RabbitMQ as it was found, or why it is not there', async () => {
  const last = async () =>
    / (no rabbitmq \(.*|rabbitmq .*), (no )?kafka /.exec(await brokersFound())?.[1]
  expect(await last()).toBe('rabbitmq 3.10.8 (on the PATH)')
  vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', 'amqp://me:secret@127.0.0.1:1')
  expect(await last()).toBe(
    'no rabbitmq (NARROWCAST_TEST_RABBITMQ_URL amqp://me:***@127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1)',
  )
  vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', '')
  await rm(join(programs(), 'epmd'))
  expect(await last()).toBe(
    'no rabbitmq (no NARROWCAST_TEST_RABBITMQ_URL, no rabbitmq-server on the PATH, no answer of a Docker engine)',
  )
})

test('the summary names Kafka as it was found, or why it is not there', async () => {
  const last = async () => / (no kafka \(.*|kafka .*)$/.exec(await brokersFound())?.[1]
  await archive('kafka_2.13-4.1.0.jar')
  expect(await last()).toBe('kafka 4.1.0 (on the PATH)')
  vi.stubEnv('NARROWCAST_TEST_KAFKA_URL', 'kafka://me:secret@127.0.0.1:1')
  expect(await last()).toMatch(/^no kafka \(NARROWCAST_TEST_KAFKA_URL kafka:\/\/me:\*\*\*@.*ECONN/)
})

/** A distribution of Kafka on the PATH. */
async function archive(name: string): Promise<void> {
  await mkdir(join(folder, 'libs'))
  await writeFile(join(folder, 'libs', name), '')
  await program('kafka-server-start.sh', 'exit 1')
}
