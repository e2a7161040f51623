import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { countLake, landedOnce, patient, scene } from './lakeHarness.ts'

test('a message that kills its workers dies alone; its neighbours land once', async () => {
  const count = 600
  const killer = 250
  await using stage = await scene({ killer, deliveriesMax: 5 }, patient)
  await stage.publish(0, count)
  const done = stage.settled().then(() => 'settled' as const)
  let deaths = 0
  for (;;) {
    const worker = stage.start()
    const how = await Promise.race([worker.ended, done])
    if (how === 'settled') {
      worker.process.kill('SIGTERM')
      await worker.ended
      break
    }
    expect(how).toBe('SIGKILL')
    deaths++
  }
  // With all, with a sixteenth of them, with a few, then alone.
  expect(deaths).toBe(5)
  const whole = landedOnce(count)
  const ranks = (killer % 3) + 1
  expect(await countLake(stage.dir)).toEqual({
    ...whole,
    games: count - 1,
    differentGames: count - 1,
    sum: whole.sum - killer,
    podium: whole.podium - ranks,
    differentPodium: whole.differentPodium - ranks,
    dead: 1,
  })
  const folder = join(stage.dir, '_dead')
  const [name] = (await readdir(folder, { recursive: true })).filter((one) =>
    one.endsWith('.ndjson'),
  )
  const letter = JSON.parse(await readFile(join(folder, name as string), 'utf8'))
  expect(letter).toMatchObject({ cause: 'crashes', crashes: 5, attempts: 1 })
  expect(JSON.parse(letter.raw)).toMatchObject({ n: killer })
})
