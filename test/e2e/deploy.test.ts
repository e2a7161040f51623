import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findRedisProgram } from '../../src/lab/brokers/redisProgram.ts'
import { buildImage } from './deploy/builtImage.ts'
import { Containers } from './deploy/containers.ts'

const hasRedis = (await findRedisProgram()) !== null
const players = ['player-1', 'player-2', 'player-3', 'player-4']
const workers = ['worker-1', 'worker-2', 'worker-3', 'worker-4']

/** No engine runs here: the Dockerfile is followed in folders, the services are processes. */
describe('what Dockerfile and compose.yaml say', () => {
  let folder = ''
  let image = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'narrowcast-deploy-'))
    image = await buildImage(folder)
  }, 180_000)

  afterAll(() => rm(folder, { recursive: true }))

  // Reason where it is skipped: the service `redis` runs the redis-server of the PATH.
  test.skipIf(!hasRedis)(
    'runs: players fight, and four workers land every game once in one folder',
    { timeout: 240_000 },
    async () => {
      const ports = { redis: randomInt(16_000, 32_000), server: randomInt(16_000, 32_000) }
      const containers = new Containers({ image, folder, ports })
      onTestFinished(() => containers[Symbol.asyncDispose]())
      const healthy = async (service: string, name = service) => {
        const container = await containers.up(service, name)
        await containers.healthy(service, container)
        return container
      }
      expect(await containers.check('server')).toContain('Command failed')
      expect(await containers.check('worker')).toContain('Command failed')
      await healthy('redis')
      const server = await healthy('server')
      const relay = await healthy('relay')
      const working = await Promise.all(workers.map((name) => healthy('worker', name)))
      const playing = await Promise.all(players.map((name) => containers.up('player', name)))
      for (const { closed, output } of playing) expect([await closed, output()]).toContain(0)

      const byRelay = `redis://127.0.0.1:${ports.redis}?narrowcast=relay`
      expect(
        await containers.narrowcast('relay', 'publish', 'player.direct', '1', '-u', byRelay),
      ).toMatchObject({ type: 'publish', receivers: 1 })
      await expect
        .poll(() => containers.narrowcast('server', 'channels', 'show', 'lib.server.lobby'), {
          timeout: 60_000,
        })
        .toMatchObject({ waiting: 0, in_flight: 0 })
      await Promise.all(working.map((one) => one.end('SIGTERM')))
      expect(await relay.end('SIGTERM')).toBe(143)
      expect(await server.end('SIGTERM')).toBe(143)
      const games = Number(/(\d+) games? started/.exec(server.output())?.[1])
      // Each asked for 20 duels; the last ones of an odd player find nobody.
      expect(games).toBeGreaterThan(20)
      const lake = join(containers.folderOf('lake'), 'lake')
      expect(
        await containers.narrowcast('worker', 'ingest', 'verify', '--dir', lake),
      ).toMatchObject({
        clean: true,
        dead: 0,
        rows: { GAME_META: 2 * games, GAME_PODIUM: 2 * games },
      })
    },
  )
})
