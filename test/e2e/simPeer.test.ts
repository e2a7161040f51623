import { expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

it('sim bots says once that nobody could reach the server', async () => {
  using world = cliWorld()
  const url = 'ws://127.0.0.1:1' // a port that is given to nobody
  const { code, stdout, stderr } = await world.run(['sim', 'bots', url, '--games', '5'])
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr.match(/ECONNREFUSED/g)).toHaveLength(1)
  expect(stderr).toContain(`error: none of 10 players reached ${url}: cannot connect`)
  expect(stderr).toContain('narrowcast sim server')
  const json = await world.run(['sim', 'bots', url, '--games', '5', '--json'])
  expect([json.code, json.stdout]).toEqual([3, ''])
  expect(JSON.parse(json.stderr)).toMatchObject({ type: 'error', code: 'CONNECT_FAILED', exit: 3 })
})
