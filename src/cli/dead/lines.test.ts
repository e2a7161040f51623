import { expect, it } from 'vitest'
import { framesOf } from './lines.ts'

it('shows the frames of the handler, and none of those that called it', () => {
  const handler = 'at bill (file:///srv/shop/bill.ts:3:9)'
  const error = new Error('late: at once')
  const own = String(error.stack?.split('\n')[1]).replace('lines.test.ts', 'lines.ts')
  expect(own).toContain('src/cli/dead')
  expect(
    framesOf(
      [
        'Error: late',
        `    ${handler}`,
        own,
        '    at async Worker.run (file:///srv/shop/node_modules/narrowcast/dist/runtime/worker.js:1:2)',
        '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
      ].join('\n'),
    ),
  ).toEqual([handler])
  expect(framesOf('')).toEqual([])
  expect(framesOf(`Error: x\n${`    ${handler}\n`.repeat(9)}`)).toHaveLength(5)
})
