import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startKafka } from './kafka.ts'
import { startKafkaCluster } from './kafkaCluster.ts'
import { expectKafkaProgram, findKafkaProgram } from './kafkaProgram.ts'

let folder = ''
const bin = () => join(folder, 'bin')
const elsewhere = () => join(folder, 'elsewhere')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-path-'))
  await mkdir(bin())
  vi.stubEnv('PATH', bin())
  await writeFile(join(bin(), 'java'), '', { mode: 0o755 })
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function archives(place: string, ...names: string[]): Promise<void> {
  await mkdir(join(place, 'libs'), { recursive: true })
  for (const name of names) await writeFile(join(place, 'libs', name), '')
}

test('a distribution is found by its script, also by a link to it', async () => {
  const home = join(folder, 'kafka_2.13-4.1.0')
  await archives(home, 'kafka-clients-4.1.0.jar', 'kafka_2.13-4.1.0.jar')
  await mkdir(join(home, 'bin'))
  await writeFile(join(home, 'bin/kafka-server-start.sh'), '', { mode: 0o755 })
  await symlink(join(home, 'bin/kafka-server-start.sh'), join(bin(), 'kafka-server-start'))
  await archives(elsewhere(), 'kafka_2.13-3.9.0.jar')
  const found = { java: join(bin(), 'java'), libs: join(home, 'libs') }
  expect(await findKafkaProgram(elsewhere())).toEqual({
    ...{ ...found, version: '4.1.0', how: 'on the PATH' },
  })
})

test('without one it is what was installed; a script without archives beside it is none', async () => {
  await writeFile(join(bin(), 'kafka-server-start.sh'), '', { mode: 0o755 })
  await archives(elsewhere(), 'kafka_2.13-3.9.0.jar')
  expect(await findKafkaProgram(elsewhere())).toMatchObject({
    ...{ libs: join(elsewhere(), 'libs'), version: '3.9.0', how: 'in .narrowcast/kafka' },
  })
})

test.for([
  ['archives', async () => await archives(elsewhere(), 'kafka-clients-4.1.0.jar')],
  [
    'a Java',
    async () => {
      await archives(elsewhere(), 'kafka_2.13-3.9.0.jar')
      await rm(join(bin(), 'java'))
    },
  ],
] as const)('without %s there is none, and who needs it is told', async ([, without]) => {
  await without()
  expect(await findKafkaProgram(elsewhere())).toBe(null)
  await expect(expectKafkaProgram(elsewhere())).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: 'kafka: no kafka-server-start.sh is on the PATH',
    hint: expect.stringContaining('Java 17'),
  })
})

test('nothing is started without a program', async () => {
  await rm(join(bin(), 'java'))
  for (const start of [startKafka, startKafkaCluster]) {
    await expect(start()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  }
})
