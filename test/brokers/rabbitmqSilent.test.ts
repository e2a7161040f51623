import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRabbitmq } from '../../src/lab/brokers/rabbitmq.ts'
import { ProxyProcess } from '../../src/lab/proxy/proxyProcess.ts'
import { throughPort, upstreamOf } from '../../src/lab/proxy/throughPort.ts'
import { testRabbitmq } from './rabbitmqHere.ts'

const heartbeatMs = 2_000
/** After the check of a broker that looks once per heartbeat, so that what it heard counts longest. */
const phaseMs = 0.3 * heartbeatMs

testRabbitmq(
  'what a silent worker held comes again in the time of the contract',
  async () => {
    await using server = await startRabbitmq()
    await using proxy = await ProxyProcess.start()
    const port = await proxy.open('silent', upstreamOf(server.url))
    const url = `${server.url}?heartbeat=2s`
    const silent = await connect(throughPort(url, port))
    onTestFinished(() => silent.close({ timeoutMs: 0 }))
    const held = Promise.withResolvers<void>()
    const jobs = silent.queue<number>('jobs')
    const { redelivery } = await jobs.opened()
    const openedMs = performance.now()
    const holder = jobs.subscribe((_, { signal }) => {
      held.resolve()
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    })
    await holder.ready()
    await jobs.publish(1)
    await held.promise
    await sleep(openedMs + 2 * heartbeatMs + phaseMs - performance.now())
    await proxy.set('silent', { kind: 'hold' })
    const heldMs = performance.now()
    await using other = await connect(url)
    const again = Promise.withResolvers<number>()
    other.queue<number>('jobs').subscribe(() => again.resolve(performance.now()))
    const awayMs = (await again.promise) - heldMs
    expect(awayMs).toBeGreaterThan(heartbeatMs)
    expect(awayMs).toBeLessThan(redelivery.withinMs)
  },
  60_000,
)
