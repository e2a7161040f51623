import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { obtainKafka } from './obtainKafka.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-path-'))
  vi.stubEnv('PATH', folder)
  vi.stubEnv('NARROWCAST_TEST_KAFKA_URL', '')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('without a program there is no server, and the reason is told', async () => {
  expect(await obtainKafka()).toEqual({
    kafka: null,
    missing:
      'no NARROWCAST_TEST_KAFKA_URL, no kafka-server-start.sh on the PATH, no answer of a Docker engine',
  })
})

test('a docker without an engine is none', async () => {
  await writeFile(join(folder, 'docker'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  expect(await obtainKafka()).toMatchObject({ kafka: null, missing: /Docker/ })
})

test('a URL that leads nowhere is a reason, without its password, and no program is tried', async () => {
  vi.stubEnv('NARROWCAST_TEST_KAFKA_URL', 'kafka://me:secret@127.0.0.1:1')
  expect(await obtainKafka()).toEqual({
    kafka: null,
    missing:
      'NARROWCAST_TEST_KAFKA_URL kafka://me:***@127.0.0.1:1: kafka: connect: cannot reach 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
  })
})
