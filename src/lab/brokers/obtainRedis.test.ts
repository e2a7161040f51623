import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { obtainRedis } from './obtainRedis.ts'
import { startRedis } from './redis.ts'
import { startRedisCluster } from './redisCluster.ts'
import { findRedisProgram } from './redisProgram.ts'
import { startRedisSentinel } from './redisSentinel.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-path-'))
  vi.stubEnv('PATH', folder)
  vi.stubEnv('NARROWCAST_TEST_REDIS_URL', '')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
}

test('without a program there is no server, and the reason is told', async () => {
  expect(await findRedisProgram()).toBeNull()
  expect(await obtainRedis()).toEqual({
    redis: null,
    missing:
      'no NARROWCAST_TEST_REDIS_URL, no redis-server on the PATH, no answer of a Docker engine',
  })
  for (const start of [startRedis, startRedisCluster, startRedisSentinel]) {
    await expect(start()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'redis: no redis-server is on the PATH',
    })
  }
})

test('a docker without an engine is none', async () => {
  await program('docker', 'echo cannot connect >&2; exit 1')
  expect(await obtainRedis()).toMatchObject({ redis: null, missing: /Docker/ })
})

test('redis-server is taken, else valkey-server', async () => {
  await program('valkey-server', 'echo Valkey server v=8.1.1 sha=0')
  expect(await findRedisProgram()).toEqual({ command: 'valkey-server', version: '8.1.1' })
  await program('redis-server', 'echo Redis server v=7.0.15 sha=0')
  expect(await findRedisProgram()).toEqual({ command: 'redis-server', version: '7.0.15' })
})

test('a program that cannot say its version is no reason to go on without it', async () => {
  await program('redis-server', 'echo broken >&2; exit 1')
  await program('valkey-server', 'echo Valkey server v=8.1.1 sha=0')
  await expect(findRedisProgram()).rejects.toThrow('broken')
})

test('a program that does not start leaves no folder', async () => {
  for (const name of ['sh', 'rm', 'sleep']) await symlink(`/bin/${name}`, join(folder, name))
  await program('redis-server', '[ "$1" = --version ] && echo v=7.0.15; exit 0')
  const places = join(folder, 'places')
  await mkdir(places)
  vi.stubEnv('TMPDIR', places)
  await expect(startRedis()).rejects.toThrow('it ended with 0 before it was ready')
  expect(await readdir(places)).toEqual([])
})

test('a URL that leads nowhere is a reason, without its password, and no program is tried', async () => {
  await program('redis-server', 'echo Redis server v=7.0.15 sha=0')
  vi.stubEnv('NARROWCAST_TEST_REDIS_URL', 'redis://me:secret@127.0.0.1:1')
  expect(await obtainRedis()).toEqual({
    redis: null,
    missing:
      'NARROWCAST_TEST_REDIS_URL redis://me:***@127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
  })
})
