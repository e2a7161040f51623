import { existsSync } from 'node:fs'
import { createClient } from '@redis/client'
import { afterAll, describe, expect, test } from 'vitest'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'

const { redis, missing } = await obtainRedis()
afterAll(async () => await redis?.stop())

async function ask(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(command)
  } finally {
    client.destroy()
  }
}

describe.skipIf(missing !== null)(`a server of our own${missing ? `: ${missing}` : ''}`, () => {
  test('takes commands, and leaves neither process nor folder', async () => {
    const server = await startRedis()
    expect(await ask(server.url, 'PING')).toBe('PONG')
    const { dir } = (await ask(server.url, 'CONFIG', 'GET', 'dir')) as { dir: string }
    expect(existsSync(dir)).toBe(true)
    await server.stop()
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH')
    expect(existsSync(dir)).toBe(false)
  })
})
