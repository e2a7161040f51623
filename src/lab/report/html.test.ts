import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { reportOf } from './build.ts'
import { type ExampleRun, exampleAbout, exampleResult } from './exampleRun.ts'
import { pictureDataOf } from './figures/pictureData.ts'
import { messages } from './figures/pictureScene.ts'
import { htmlOf } from './html.ts'
import type { Report } from './types.ts'

const strict = { mayLose: [], mayRepeat: ['retry'] } as const
const evil = `</script><script>alert('x')</script><img src=x onerror=alert(1)>"`

function pageOf(example: ExampleRun, about: Partial<typeof exampleAbout> = {}) {
  const result = exampleResult(example)
  const report = reportOf(result, { ...exampleAbout, ...about })
  const html = htmlOf(report, pictureDataOf(result))
  return { report, html, plain: html.replaceAll(/<script[\s\S]*?<\/script>/g, '') }
}

const broken = pageOf({ history: { ...messages(400), terms: strict } })

describe('without its script', () => {
  test('the verdict is an icon and a word, with its reasons and what was not tested', () => {
    const { plain, report } = broken
    expect(report.verdict.status).toBe('BROKEN')
    expect(plain).toContain('✗ BROKEN')
    expect(plain).toMatch(
      /First: <a href="#(r1-p00-i00-s\d+)">[^<]+<[\s\S]*<details class="message" id="\1"/,
    )
    for (const reason of report.verdict.reasons) expect(plain).toContain(`<li>${reason}</li>`)
    expect(plain).toContain('<strong>Not tested:</strong> power loss, several hosts and clock skew')
    expect(pageOf({ history: messages(10) }).plain).toContain('✓ KEPT')
  })

  test('every promise stands beside what was measured, and its state is a word', () => {
    const { plain, report } = broken
    expect(report.checks.length).toBeGreaterThan(5)
    for (const { promise, observed } of report.checks) {
      expect(plain).toContain(`<th scope="row">${promise}</th><td>${observed}</td>`)
    }
    expect(plain).toContain('✗ violated')
    expect(plain).toContain('✓ held')
  })

  test('every fault stands beside how long it was felt', () => {
    expect(broken.plain).toContain('<th scope="row">F1 kill, worker 1</th><td class="n">56 ms</td>')
  })

  test('every figure is there, and as a table', () => {
    for (const name of ['rates', 'latency', 'tails', 'fates', 'lanes', 'evenness']) {
      const figure = new RegExp(`<figure id="${name}">([\\s\\S]*?)</figure>`).exec(broken.plain)
      expect(figure?.[1], name).toMatch(/<svg class="figure"[\s\S]*<table>/)
    }
  })

  test('a lost and a repeated message open their records', () => {
    for (const [id, record] of [
      ['r1-p00-i00-s0000003', 'KILL'],
      ['r1-p00-i00-s0000005', 'delivery 2'],
    ] as const) {
      const message = new RegExp(`<details class="message" id="${id}">[\\s\\S]*?</details>`)
      expect(message.exec(broken.plain)?.[0]).toContain(record)
    }
  })
})

test('every lost message of the sample has its records on the page', () => {
  const history = messages(400)
  const lost = { ...history.ledgers, 'worker 0.0': [] }
  const { html, report } = pageOf({ history: { ...history, ledgers: lost, terms: strict } })
  const sample = report.groups?.[0]?.account.lost.sample ?? []
  expect(sample).toHaveLength(32)
  const [, json] = /<script type="application\/json" id="data">([^<]*)/.exec(html) ?? []
  const data = JSON.parse(json ?? '') as {
    readonly messages: [string, string, string, unknown[]][]
  }
  for (const { sequence } of sample) {
    const id = `r1-p00-i00-s${String(sequence).padStart(7, '0')}`
    const packed = data.messages.find(([one]) => one === id)
    expect(html.includes(`id="${id}"`) || (packed?.[3].length ?? 0) >= 2, id).toBe(true)
  }
  // Those of the sample in the page itself, all others in its data, and none twice.
  expect(html.match(/<details class="message"/g)).toHaveLength(32)
  expect(data.messages).toHaveLength(399 - 32)
})

test('a message with very many records shows the first, and says how many more there are', () => {
  const history = messages(10)
  const throws = Array.from({ length: 100 }, (_, at) => [
    ['recv', 3, 1_100 + 2 * at, { count: at + 1 }] as const,
    ['throw', 3, 1_101 + 2 * at] as const,
  ]).flat()
  const ledgers = { ...history.ledgers, 'worker 1.0': throws }
  const { html } = pageOf({ history: { ...history, ledgers } })
  expect(html).toContain('records more, in the ledgers')
  expect(html.match(/delivery \d+</g)?.length).toBeLessThan(64)
})

describe('what others wrote', () => {
  const history = messages(400)
  const ofGroup = Object.entries(history.ledgers ?? {}).map(([name, entries]) => [
    name.startsWith('worker') ? `${name} of ${evil}` : name,
    entries,
  ])
  const { html } = pageOf(
    {
      history: { ...history, ledgers: Object.fromEntries(ofGroup), terms: strict },
      channel: { name: evil },
    },
    {
      ...{ title: evil, scenario: evil, backend: evil, profile: evil, command: evil, runId: evil },
      ...{ notRun: [evil], startedAt: evil, endedAt: evil },
      machine: { [evil]: evil, more: { [evil]: [evil] } },
      broker: { version: evil, how: evil, config: { [evil]: evil }, configSha256: evil },
    },
  )

  test('stays text, everywhere', () => {
    expect(html).not.toContain('<img')
    expect(html).not.toContain('<script>alert')
    expect(html).toContain('&lt;/script&gt;&lt;script&gt;alert')
    expect(html.match(/<script/g)).toHaveLength(2)
    expect(html.match(/<\/script/g)).toHaveLength(2)
    const withoutValues = html.replaceAll(/="[^"]*"/g, '=""')
    expect(/<[a-z][^>]*\son[a-z]+\s*=/.exec(withoutValues)?.[0]).toBeUndefined()
  })

  test('stays text in the data too', () => {
    const hostile = messages(400)
    const all = { ...hostile.ledgers, 'worker 0.0': [] }
    const result = exampleResult({ history: { ...hostile, ledgers: all } })
    const report = reportOf(result, exampleAbout)
    const { messages: worst, ...pictures } = pictureDataOf(result)
    const shown = worst.first.map((one) => ({ ...one, fates: [evil], key: evil }))
    const page = htmlOf(report, { ...pictures, messages: { ...worst, first: shown } })
    expect(page.match(/<\/script/g)).toHaveLength(2)
    expect(page).not.toContain('<script>alert')
    const [, json] = /id="data">([^<]*)</.exec(page) ?? []
    expect(JSON.parse(json ?? '').messages[0][1]).toBe(evil)
  })
})

test('nothing is loaded, and only its own script may run', () => {
  const { html } = broken
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html) ?? []
  const hashOf = (text: string | undefined) =>
    `&#39;sha256-${createHash('sha256')
      .update(text ?? '')
      .digest('base64')}&#39;`
  const [, script] = /<script>([\s\S]*?)<\/script>/.exec(html) ?? []
  const [, style] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? []
  expect(policy).toContain('default-src &#39;none&#39;')
  expect(policy).toContain(`script-src ${hashOf(script)}`)
  expect(policy).toContain(`style-src ${hashOf(style)}`)
  expect(policy).not.toContain('unsafe')
  expect(html).not.toMatch(/(src|href)="(?!data:,|#)|url\((?!#)|@import|\bstyle="|https?:\/\//)
})

describe('warnings', () => {
  const withInstrument = (change: Partial<Report['instrument']>) => {
    const result = exampleResult({ history: messages(4) })
    const report = reportOf(result, exampleAbout)
    const instrument = { ...report.instrument, isSaturated: false, ...change }
    return htmlOf({ ...report, instrument }, pictureDataOf(result))
  }
  test.for([
    ['SATURATED', { isSaturated: true }],
    ['HARNESS-BOUND', { isHarnessBound: true, ceilingPerSecond: 600 }],
    ['The broker disagrees', { disagreements: ['it says 3'] }],
    ['1 ledger ended inside a record', { tornTails: 1 }],
  ] as const)('%s', ([text, change]) => {
    expect(withInstrument(change)).toContain(text)
    expect(withInstrument({})).not.toContain(text)
  })
})

test('what a message costs stands on the page, where somebody can tell', () => {
  const history = messages(3)
  const cost = '<th scope="row">broker</th><td class="n">82</td>'
  expect(pageOf({ history }).plain).toContain(cost)
  expect(pageOf({ history }, { cpuMicrosPerMessage: {} }).plain).not.toContain('Processor time')
})

test('a broadcast has its subscribers in a table', () => {
  const terms = { pattern: 'broadcast', delivery: 'at-most-once' } as const
  const history = { ...messages(20), terms }
  const { plain } = pageOf({ history, channel: { pattern: 'broadcast' } })
  expect(plain).toContain('What each subscriber got')
  expect(plain).toContain('<th scope="row">F1 kill worker 1</th><td class="n">')
})

test('what is legal is a number, and what was asked for is told from what is promised', () => {
  const terms = { delivery: 'at-most-once' } as const
  const { plain } = pageOf({ history: { ...messages(20), terms } })
  expect(plain).toContain('1 acknowledged message never came, as the contract allows.')
  const asked = pageOf({ history: { ...messages(20), terms } }, { expected: 'at-least-once' })
  expect(asked.plain).toContain('Asked, not promised: at least once.')
  expect(asked.plain).toContain('✗ BROKEN')
})
