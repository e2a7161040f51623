import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { obtainRabbitmq } from './obtainRabbitmq.ts'
import { startRabbitmq } from './rabbitmq.ts'
import { startRabbitmqCluster } from './rabbitmqCluster.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-path-'))
  vi.stubEnv('PATH', folder)
  vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', '')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

test('without a program there is no server, and the reason is told', async () => {
  expect(await obtainRabbitmq()).toEqual({
    rabbitmq: null,
    missing:
      'no NARROWCAST_TEST_RABBITMQ_URL, no rabbitmq-server on the PATH, no answer of a Docker engine',
  })
  for (const start of [startRabbitmq, startRabbitmqCluster]) {
    await expect(start()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'rabbitmq: no rabbitmq-server is on the PATH',
    })
  }
})

test('a docker without an engine is none', async () => {
  await program('docker', 'echo cannot connect >&2; exit 1')
  expect(await obtainRabbitmq()).toMatchObject({ rabbitmq: null, missing: /Docker/ })
})

test.for([
  ['a server', startRabbitmq],
  ['a cluster', startRabbitmqCluster],
] as const)('%s that does not start leaves neither folder nor epmd', async ([, start]) => {
  for (const name of ['sh', 'rm', 'sleep']) await symlink(`/bin/${name}`, join(folder, name))
  for (const name of ['erl', 'rabbitmqctl', 'rabbitmq-env', 'rabbitmq-defaults']) {
    await program(name, 'exit 1')
  }
  await program('epmd', `echo $$ > ${folder}/pid; echo epmd running; exec sleep 100`)
  await program('rabbitmq-server', 'echo BOOT FAILED; exit 2')
  const places = join(folder, 'places')
  await mkdir(places)
  vi.stubEnv('TMPDIR', places)
  await expect(start()).rejects.toThrow('it ended with 2 before it was ready\nBOOT FAILED')
  expect(await readdir(places)).toEqual([])
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

test('a URL that leads nowhere is a reason, without its password, and no program is tried', async () => {
  vi.stubEnv('NARROWCAST_TEST_RABBITMQ_URL', 'amqp://me:secret@127.0.0.1:1')
  expect(await obtainRabbitmq()).toEqual({
    rabbitmq: null,
    missing:
      'NARROWCAST_TEST_RABBITMQ_URL amqp://me:***@127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
  })
})
