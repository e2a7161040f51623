import { describe, expect, test } from 'vitest'
import { verify } from '../../src/pipelines/lake/verify.ts'
import { countLake, landedOnce, patient, scene } from './lakeHarness.ts'

const count = 300

describe('a worker that dies by SIGKILL', () => {
  test.for([1, 2, 3, 4, 5, 6, 7, 8])(
    'after step %i of a commit: each message lands once',
    async (step) => {
      await using stage = await scene({}, patient)
      await stage.publish(0, count)
      const first = stage.start({}, `commit:${step}`)
      expect(await first.ended).toBe('SIGKILL')
      const second = stage.start()
      await second.word('ready')
      await stage.settled()
      second.process.kill('SIGTERM')
      expect(await second.ended).toBe('0')
      expect(await countLake(stage.dir)).toEqual(landedOnce(count))
      expect(await verify(stage.dir)).toMatchObject({ isClean: true, messages: count, dead: 0 })
      expect(second.recognised).toBe(step === 5 || step === 6 ? count : 0)
    },
  )

  test.for([
    ['commit:4', 'recover:1'],
    ['commit:5', 'recover:1'],
    ['commit:5', 'recover:2'],
    ['commit:5', 'recover:3'],
  ] as const)('at %s, and its successor at %s', async ([commit, recovery]) => {
    await using stage = await scene()
    await stage.publish(0, count)
    expect(await stage.start({}, commit).ended).toBe('SIGKILL')
    expect(await stage.start({}, recovery).ended).toBe('SIGKILL')
    const last = stage.start()
    await stage.settled()
    last.process.kill('SIGTERM')
    expect(await last.ended).toBe('0')
    expect(await countLake(stage.dir)).toEqual(landedOnce(count))
    expect(await verify(stage.dir)).toMatchObject({ isClean: true, messages: count })
  })

  test('on a stream, after the commit point: each message lands once', async () => {
    await using stage = await scene({ pattern: 'stream' })
    await stage.publish(0, count)
    expect(await stage.start({}, 'commit:5').ended).toBe('SIGKILL')
    const second = stage.start()
    await second.word('ready')
    await stage.settled()
    second.process.kill('SIGTERM')
    await second.ended
    expect(await countLake(stage.dir)).toEqual(landedOnce(count))
  })
})

describe('a worker that stands still beyond lease and heartbeat', () => {
  test.for(['written', 'committed'] as const)('at "%s": it changes nothing', async (step) => {
    await using stage = await scene()
    await stage.publish(0, count)
    const frozen = stage.start({ holdAt: step })
    await frozen.word('held')
    await stage.freeze(frozen)
    const other = stage.start()
    await other.word('ready')
    await stage.settled()
    // The other one has seen it miss its beats: what it had committed is in place by then.
    await stage.expelled(1)
    frozen.process.kill('SIGCONT')
    frozen.process.send('go on')
    if (step === 'written') {
      await expect.poll(() => frozen.errors).toContain('FENCED')
    }
    await stage.publish(count, 10)
    await stage.settled()
    for (const worker of [frozen, other]) {
      worker.process.kill('SIGTERM')
      await worker.ended
    }
    expect(await countLake(stage.dir)).toEqual(landedOnce(count + 10))
    expect(await verify(stage.dir)).toMatchObject({ isClean: true, messages: count + 10 })
  })
})

test('a lake in which nothing has landed yet counts as empty, a folder that is gone does not', async () => {
  await using stage = await scene()
  await expect(countLake(stage.dir)).rejects.toThrow('ENOENT')
  await stage.publish(0, count)
  expect(await stage.start({}, 'commit:3').ended).toBe('SIGKILL')
  expect(await countLake(stage.dir)).toEqual({ ...landedOnce(0), sum: 0 })
})

test('control: without dedupe a kill after the commit point doubles rows', async () => {
  await using stage = await scene({ isForgetful: true })
  await stage.publish(0, count)
  expect(await stage.start({}, 'commit:5').ended).toBe('SIGKILL')
  const second = stage.start()
  await second.word('ready')
  await stage.settled()
  second.process.kill('SIGTERM')
  await second.ended
  const found = await countLake(stage.dir)
  expect(found.differentGames).toBe(count)
  expect(found.games).toBeGreaterThan(count)
})
