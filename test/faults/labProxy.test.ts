import { expect, test } from 'vitest'
import { drawFrom } from '../../src/lab/draw.ts'
import { dial, failure, startProxy, startScene } from './labProxyScene.ts'

test('bytes and ends pass both ways', async () => {
  const { link } = await startScene()
  const { actor, broker } = await link()
  const long = 'abc'.repeat(100_000)
  actor.socket.end(long)
  broker.send('down')
  await broker.hears(long)
  await broker.ends('ended')
  await actor.hears('down')
  expect(actor.end).toBe('open')
  broker.socket.end(' and out')
  await actor.hears('down and out')
  await actor.ends('ended')
})

test('a reset passes both ways', async () => {
  const { link } = await startScene()
  const [first, second] = [await link(), await link()]
  first.actor.socket.resetAndDestroy()
  await first.broker.ends('reset')
  second.broker.socket.resetAndDestroy()
  await second.actor.ends('reset')
})

test('where nobody listens, connections are reset', async () => {
  const proxy = await startProxy()
  const port = await proxy.open('w00', { host: '127.0.0.1', port: 1 })
  expect(await failure(port)).toBe('ECONNRESET')
})

test('hold: nothing passes, new connections wait, and the same ones go on when it is healed', async () => {
  const { proxy, peer, port, link, passTime } = await startScene()
  const { actor, broker } = await link()
  const { fromNs, toNs } = await proxy.set('w00', { kind: 'hold' })
  expect(fromNs).toBeLessThan(toNs)
  expect(toNs).toBeLessThan(process.hrtime.bigint())
  actor.send('up')
  broker.send('down')
  const waiting = await dial(port)
  waiting.send('late')
  await passTime()
  expect([broker.text, actor.text, peer.links.length]).toEqual(['', '', 2])
  const coming = peer.next()
  const healed = await proxy.heal('w00')
  expect(healed.fromNs).toBeGreaterThan(toNs)
  await broker.hears('up')
  await actor.hears('down')
  await (await coming).hears('late')
})

test('hold: an end waits, too', async () => {
  const { proxy, link, passTime } = await startScene()
  const { actor, broker } = await link()
  await proxy.set('w00', { kind: 'hold' })
  actor.socket.end('up')
  await passTime()
  expect([broker.text, broker.end]).toEqual(['', 'open'])
  await proxy.heal('w00')
  await broker.hears('up')
  await broker.ends('ended')
})

test.for(['up', 'down'] as const)('half: what goes %s is held, the rest passes', async (held) => {
  const { proxy, link, passTime } = await startScene()
  const pair = await link()
  await proxy.set('w00', { kind: 'half', held })
  const later = await link() // a new connection follows the rule
  for (const { actor, broker } of [pair, later]) {
    const [mute, heard] = held === 'up' ? [actor, broker] : [broker, actor]
    mute.send('held')
    heard.send('passes')
    await mute.hears('passes')
    await passTime()
    expect(heard.text).toBe('')
  }
  await proxy.heal('w00')
  for (const { actor, broker } of [pair, later]) {
    await (held === 'up' ? broker : actor).hears('held')
  }
})

test('a rule takes the place of the one before', async () => {
  const { proxy, link, passTime } = await startScene()
  const { actor, broker } = await link()
  await proxy.set('w00', { kind: 'half', held: 'up' })
  await proxy.set('w00', { kind: 'half', held: 'down' })
  actor.send('up')
  broker.send('down')
  await broker.hears('up')
  await passTime()
  expect(actor.text).toBe('')
})

test('lost-ack: what was sent arrives, its answer does not, and the sender is reset', async () => {
  const { proxy, link } = await startScene()
  const { actor, broker } = await link()
  actor.send('before')
  await broker.hears('before')
  await proxy.set('w00', { kind: 'lostAck', p: 1, seed: 1 })
  broker.socket.once('data', () => broker.socket.write('stored'))
  actor.send(' and after')
  await actor.ends('reset')
  expect(actor.text).toBe('')
  await broker.hears('before and after')
  await broker.ends('ended')
  expect(await proxy.heal('w00')).toMatchObject({ answersLost: 1 })
  expect(await proxy.heal('w00')).toMatchObject({ answersLost: 0 })
})

test('lost-ack: an answer that was to be lost is, also when the rule is taken away', async () => {
  const { proxy, link } = await startScene()
  const { actor, broker } = await link()
  await proxy.set('w00', { kind: 'lostAck', p: 1, seed: 1 })
  actor.send('publish')
  await broker.hears('publish')
  await proxy.heal('w00')
  broker.send('stored')
  await actor.ends('reset')
  expect(actor.text).toBe('')
})

test('lost-ack: which ones are hit is drawn from the seed', async () => {
  const { proxy, link } = await startScene()
  const seed = 7
  await proxy.set('w00', { kind: 'lostAck', p: 0.5, seed })
  const ends: string[] = []
  for (let n = 0; n < 12; n++) {
    const { actor, broker } = await link()
    broker.socket.once('data', () => broker.socket.end('ok'))
    actor.send('m')
    await expect.poll(() => actor.end, { timeout: 60_000 }).not.toBe('open')
    ends.push(`${actor.end} ${actor.text}`)
  }
  const draw = drawFrom(seed, 'lost-ack')
  const planned = Array.from({ length: 12 }, (_, n) => (draw(n) < 0.5 ? 'reset ' : 'ended ok'))
  expect(new Set(planned).size).toBe(2)
  expect(ends).toEqual(planned)
})

test('reset: all connections are, once, and the rule in force stays', async () => {
  const { proxy, link, port, peer, passTime } = await startScene()
  const [first, second] = [await link(), await link()]
  await proxy.set('w00', { kind: 'hold' })
  const waiting = await dial(port)
  await passTime() // the proxy has it
  await proxy.set('w00', { kind: 'reset' })
  for (const { actor, broker } of [first, second]) {
    await actor.ends('reset')
    await broker.ends('reset')
  }
  await waiting.ends('reset')
  await dial(port)
  await passTime()
  expect(peer.links).toHaveLength(4)
  const coming = peer.next()
  await proxy.heal('w00')
  expect((await coming).end).toBe('open')
})

test('refuse: new connections are reset, and the others go on', async () => {
  const { proxy, link, port, peer } = await startScene()
  const { actor, broker } = await link()
  await proxy.set('w00', { kind: 'refuse' })
  expect(await failure(port)).toBe('ECONNRESET')
  actor.send('on')
  await broker.hears('on')
  expect(peer.links).toHaveLength(1)
  await proxy.heal('w00')
  await link()
})

const hinder = [
  { kind: 'delay', ms: 40, jitterMs: 20, seed: 3 },
  { kind: 'rate', bytesPerSecond: 100_000 },
  { kind: 'slice', bytes: 1 },
] as const

test.for(hinder)('$kind: all passes both ways, in its order, and so does the end', async (rule) => {
  const { proxy, link } = await startScene()
  const before = await link()
  await proxy.set('w00', rule)
  for (const { actor, broker } of [before, await link()]) {
    const words = Array.from({ length: 2_000 }, (_, at) => `${at} `)
    const startNs = process.hrtime.bigint()
    for (const word of words) actor.send(word)
    actor.socket.end()
    for (const word of words.toReversed()) broker.send(word)
    await broker.hears(words.join(''))
    await actor.hears(words.toReversed().join(''))
    await broker.ends('ended')
    const tookMs = Number(process.hrtime.bigint() - startNs) / 1e6
    if (rule.kind === 'delay') expect(tookMs).toBeGreaterThan(rule.ms - 1)
    // 8,890 bytes, of which 2,000 were saved and 2,000 may be on credit
    if (rule.kind === 'rate') expect(tookMs).toBeGreaterThan(47)
  }
})

test('what was delayed is held, too, and goes on when nothing is in force', async () => {
  const { proxy, link, passTime } = await startScene()
  const { actor, broker } = await link()
  await proxy.set('w00', { kind: 'delay', ms: 600_000, jitterMs: 0, seed: 1 })
  actor.send('long')
  await passTime()
  await proxy.set('w00', { kind: 'hold' })
  await passTime()
  expect(broker.text).toBe('')
  await proxy.heal('w00')
  await broker.hears('long')
})
