import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect } from 'amqplib'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { rabbitmqVersion } from '../../src/lab/brokers/askRabbitmq.ts'
import { obtainRabbitmq } from '../../src/lab/brokers/obtainRabbitmq.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import type { RabbitmqServer } from '../../src/lab/brokers/rabbitmqServer.ts'
import { processesOf } from './processesOf.ts'
import { withChannel } from './rabbitmqClient.ts'
import { describeRabbitmq, rabbitmqProgram } from './rabbitmqHere.ts'

/** A message that the server has confirmed, in a queue that is to survive. */
const put = async (url: string, text: string) =>
  await withChannel(url, async (channel) => {
    await channel.assertQueue('jobs', { durable: true })
    channel.sendToQueue('jobs', Buffer.from(text), { persistent: true })
    await channel.waitForConfirms()
  })

/** The first that waits, which stays. */
const first = async (url: string) =>
  await withChannel(url, async (channel) => {
    const got = await channel.get('jobs')
    return got ? got.content.toString() : null
  })

/** An answer of the management plugin. */
async function managed(management: string, path: string): Promise<unknown> {
  const headers = { authorization: `Basic ${btoa('guest:guest')}` }
  const response = await fetch(`${management}/api/${path}`, { headers })
  expect(response.status).toBe(200)
  return await response.json()
}

const setting = async ({ ctl }: RabbitmqServer, name: string) =>
  (await ctl('eval', `application:get_env(rabbit, ${name}).`)).trim()

describeRabbitmq('a RabbitMQ of our own', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq({ config: ['consumer_timeout = 12345'] })
    return () => server.stop()
  }, 120_000)

  test('takes clients, and tells of itself', async () => {
    expect(await rabbitmqVersion(server.url)).toBe(rabbitmqProgram?.version)
    expect(server).toMatchObject({
      url: `amqp://127.0.0.1:${server.port}`,
      name: 'rabbit1@localhost',
      version: rabbitmqProgram?.version,
      how: rabbitmqProgram?.how,
      isRunning: true,
    })
    expect(server.log).toContain('Server startup complete')
    await put(server.url, 'a')
    expect(await first(server.url)).toBe('a')
  })

  test('is managed over HTTP', async () => {
    const nodes = await managed(server.management, 'nodes')
    expect(nodes).toMatchObject([{ name: server.name, running: true }])
  })

  test('obeys rabbitmqctl, which prints data alone, and says what it complains of', async () => {
    expect(await server.ctl('list_users')).toBe('guest\t[administrator]\n')
    await expect(server.ctl('delete_user', 'nobody')).rejects.toThrow('does not exist')
    const client = await connect(server.url)
    const closed = new Promise((done) => client.on('close', done))
    await server.ctl('close_all_connections', 'for a test')
    expect(String(await closed)).toContain('for a test')
  })

  test('has the settings it was given, and no cookie that others could read', async () => {
    expect(await setting(server, 'consumer_timeout')).toBe('{ok,12345}')
    expect(await setting(server, 'vm_memory_high_watermark')).toBe('{ok,0.8}')
    expect(statSync(join(server.folder, '.erlang.cookie')).mode & 0o777).toBe(0o400)
    const cookie = await readFile(join(server.folder, '.erlang.cookie'), 'utf8')
    const commandLine = await readFile(`/proc/${server.pid}/cmdline`, 'utf8').catch(() => '')
    expect(commandLine).not.toContain(cookie)
  })
})

describeRabbitmq('a RabbitMQ of our own that ends', () => {
  test('by SIGKILL has at the same place what it had confirmed', async () => {
    await using server = await startRabbitmq()
    const { url, pid, management, folder } = server
    await put(url, 'kept')
    await server.kill()
    expect(server.isRunning).toBe(false)
    expect((await processesOf(folder)) ?? []).toEqual([])
    await expect(rabbitmqVersion(url)).rejects.toThrow('ECONNREFUSED')
    await expect(server.ctl('list_users')).rejects.toThrow()
    expect((await processesOf(folder)) ?? []).toEqual([])
    await server.restart()
    expect([server.url, server.management, server.pid === pid]).toEqual([url, management, false])
    expect(await first(url)).toBe('kept')
  }, 180_000)

  test('by SIGTERM ends in order, and so does restart by itself', async () => {
    await using server = await startRabbitmq()
    await put(server.url, 'kept')
    await server.terminate()
    expect(server.log).toContain('SIGTERM received')
    expect((await processesOf(server.folder)) ?? []).toEqual([])
    await server.restart()
    expect(await first(server.url)).toBe('kept')
    const { pid } = server
    await server.restart()
    expect(server.pid).not.toBe(pid)
    expect(await first(server.url)).toBe('kept')
  }, 240_000)

  test('leaves neither process nor folder, also beside another', async () => {
    const [server, other] = await Promise.all([startRabbitmq(), startRabbitmq()])
    const { folder } = server
    const running = (await processesOf(folder)) ?? ['beam.smp', 'epmd']
    expect(running.sort()).toEqual(expect.arrayContaining(['beam.smp', 'epmd']))
    await server.stop()
    await server.stop()
    expect(server.isRunning).toBe(false)
    expect((await processesOf(folder)) ?? []).toEqual([])
    expect(existsSync(folder)).toBe(false)
    expect(await rabbitmqVersion(other.url)).toBe(other.version)
    await other.stop()
  }, 180_000)

  test('before it was ready leaves nothing, and says why', async () => {
    await expect(startRabbitmq({ config: ['no_such_setting = 1'] })).rejects.toThrow(
      /before it was ready[\s\S]*no_such_setting/,
    )
  }, 120_000)

  test.for(['SIGKILL', 'SIGTERM'] as const)(
    'with the program that started it, by %s, leaves nothing',
    { timeout: 120_000 },
    async (signal) => {
      const parent = spawn(process.execPath, [join(import.meta.dirname, 'rabbitmqParent.ts')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
        const { url, folder } = JSON.parse(line) as { url: string; folder: string }
        const client = await connect(url)
        const gone = new Promise((done) => client.on('error', done).on('close', done))
        parent.kill(signal)
        await gone
        await expect.poll(() => existsSync(folder)).toBe(false)
        await expect.poll(() => processesOf(folder)).toSatisfy((left) => !left?.length)
      } finally {
        parent.kill('SIGKILL')
      }
    },
  )
})

describeRabbitmq('a RabbitMQ that may hold little', () => {
  test('blocks who publishes, at the limit that it was given in place of ours', async () => {
    const config = ['vm_memory_high_watermark.absolute = 32MB']
    await using small = await startRabbitmq({ config })
    const client = await connect(small.url)
    const blocked = new Promise((done) => client.on('blocked', done))
    const channel = await client.createChannel()
    await channel.assertQueue('jobs')
    channel.sendToQueue('jobs', Buffer.from('a'))
    expect(await blocked).toContain('memory')
    await client.close().catch(() => {})
  }, 120_000)
})

describeRabbitmq('a RabbitMQ for a test file', () => {
  let server: RabbitmqServer
  beforeAll(async () => {
    server = await startRabbitmq()
  }, 120_000)
  afterAll(() => server.stop())
  afterEach(() => vi.unstubAllEnvs())

  test('is the one that the environment gives, and stays when it is stopped', async () => {
    vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', server.url)
    const { rabbitmq } = await obtainRabbitmq()
    expect(rabbitmq).toMatchObject({
      url: server.url,
      version: rabbitmqProgram?.version,
      how: 'given by NARROWCAST_TEST_RABBITMQ_URL',
    })
    await rabbitmq?.stop()
    expect(await rabbitmqVersion(server.url)).toBe(server.version)
  })

  test('is one of its own where none is given, and ends', async () => {
    vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', '')
    const { rabbitmq, missing } = await obtainRabbitmq()
    expect([rabbitmq?.how, missing]).toEqual([rabbitmqProgram?.how, null])
    const url = rabbitmq?.url ?? ''
    expect(await rabbitmqVersion(url)).toBe(rabbitmqProgram?.version)
    await rabbitmq?.stop()
    await expect(rabbitmqVersion(url)).rejects.toThrow('ECONNREFUSED')
  }, 120_000)

  test('is a container where only Docker is there, and the container is removed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'narrowcast-docker-'))
    try {
      for (const name of ['sh', 'sleep', 'rm', 'cat']) {
        await symlink(`/bin/${name}`, join(folder, name))
      }
      await writeFile(join(folder, 'docker'), dockerScript(folder, server.port), { mode: 0o755 })
      vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', '')
      vi.stubEnv('PATH', folder)
      const { rabbitmq } = await obtainRabbitmq()
      const { url, version } = server // it takes the place of the one in the container
      const how = 'rabbitmq:4-management-alpine in Docker'
      expect(rabbitmq).toMatchObject({ url, version, how })
      await rabbitmq?.stop()
      const calls = await readFile(join(folder, 'calls'), 'utf8')
      const [, name] = /--name (\S+)/.exec(calls) ?? []
      expect(calls.split('\n')).toEqual([
        'version',
        `run --rm --name ${name} --publish 127.0.0.1::5672 rabbitmq:4-management-alpine`,
        `port ${name} 5672/tcp`,
        `rm --force ${name}`,
        '',
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** Says what it was asked, and runs something that ends when it is removed. */
const dockerScript = (folder: string, port: number) => `#!/bin/sh
echo "$@" >> ${folder}/calls
case $1 in
  run) echo $$ > ${folder}/pid; echo Server startup complete; exec sleep 100 ;;
  port) echo 127.0.0.1:${port} ;;
  rm) kill $(cat ${folder}/pid) ;;
esac
`
