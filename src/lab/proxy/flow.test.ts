import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Flow } from './flow.ts'
import { sliced, unhindered } from './pace.ts'

/** A sender of these chunks, and a receiver that has room for one at a time. */
function ends(chunks: readonly Buffer[]) {
  const from = new Duplex({ read: () => {}, highWaterMark: 1 })
  for (const chunk of [...chunks, null]) from.push(chunk)
  const written: Buffer[] = []
  const taken: (() => void)[] = []
  const to = new Duplex({
    highWaterMark: 1,
    read: () => {},
    write(piece: Buffer, _encoding, done) {
      written.push(piece)
      taken.push(done)
    },
  })
  return { from, to, written, take: () => taken.shift()?.() }
}

const said = Buffer.from(Array.from({ length: 1_000 }, (_, at) => at % 251))

test('in slices nothing larger is ever written, and all of it in its order', async () => {
  const { from, to, written, take } = ends([said])
  new Flow(from, to, () => {}).follow(false, sliced(7))
  while (!to.writableFinished) {
    await turn()
    take()
  }
  expect(written.map(({ length }) => length)).toEqual([...Array(142).fill(7), 6])
  expect(Buffer.concat(written)).toEqual(said)
})

test('a receiver without room is not written to, and its sender is not read', async () => {
  const { from, to, written, take } = ends([said, said, said])
  new Flow(from, to, () => {}).follow(false, unhindered)
  for (let turns = 0; turns < 10; turns++) await turn()
  expect([written.length, to.writableLength, from.isPaused()]).toEqual([1, 1_000, true])
  expect(from.readableLength).toBe(2_000)
  while (!to.writableFinished) {
    await turn()
    take()
  }
  expect(Buffer.concat(written)).toEqual(Buffer.concat([said, said, said]))
})
