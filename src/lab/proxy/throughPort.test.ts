import { expect, test } from 'vitest'
import { throughPort, upstreamOf } from './throughPort.ts'

test.for([
  ['redis://10.0.0.5:7000', '10.0.0.5', 7_000, 'redis://127.0.0.1:9'],
  ['redis://localhost', 'localhost', 6_379, 'redis://127.0.0.1:9'],
  ['redis:', 'localhost', 6_379, 'redis://127.0.0.1:9'],
  ['REDIS://[::1]:7000/2', '::1', 7_000, 'redis://127.0.0.1:9/2'],
  [
    'redis://ann:p%40ss%3F@db.example:7000/3?queue=stream&lease=2s',
    'db.example',
    7_000,
    'redis://ann:p%40ss%3F@127.0.0.1:9/3?queue=stream&lease=2s',
  ],
  ['amqp://localhost', 'localhost', 5_672, 'amqp://127.0.0.1:9'],
  [
    'amqp://ann:p%40ss@rabbit.example:5673/shop%2Feu?heartbeat=2s',
    'rabbit.example',
    5_673,
    'amqp://ann:p%40ss@127.0.0.1:9/shop%2Feu?heartbeat=2s',
  ],
  ['kafka://db', 'db', 9_092, 'kafka://127.0.0.1:9?advertised=ignore'],
  [
    'kafka://ann:p%40ss@db:9093?session=2s',
    'db',
    9_093,
    'kafka://ann:p%40ss@127.0.0.1:9?session=2s&advertised=ignore',
  ],
  ['kafka://db?advertised=ignore', 'db', 9_092, 'kafka://127.0.0.1:9?advertised=ignore'],
  ['redis://db:7000?cluster=false', 'db', 7_000, 'redis://127.0.0.1:9?cluster=false'],
] as const)('%s goes through a port as it is', ([url, host, port, through]) => {
  expect(upstreamOf(url)).toEqual({ host, port })
  expect(throughPort(url, 9)).toBe(through)
})

test.for([
  ['rediss://ann:secret@db:7000', /rediss:\/\/ann:\*\*\*@db:7000 .* certificate/],
  ['amqps://ann:secret@db', /amqps:\/\/ann:\*\*\*@db .* certificate/],
  ['kafkas://ann:secret@db', /kafkas:\/\/ann:\*\*\*@db .* certificate/],
  ['kafka://a:1,b:2', /one server/],
  ['redis://a:1,b:2', /one server/],
  ['amqp://a,b:2/shop', /one server/],
  ['redis://a:1?sentinel=main', /past the proxy/],
  ['redis://a:1?cluster=true', /past the proxy/],
  ['file:./store', /only redis:, amqp: and kafka:/],
] as const)('%s is refused, and shows no secret', ([url, why]) => {
  const refusal = expect.objectContaining({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(why),
  })
  expect(() => throughPort(url, 9)).toThrow(refusal)
  expect(() => upstreamOf(url)).toThrow(refusal)
})
