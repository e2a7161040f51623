import { describe, expect, test } from 'vitest'
import { exampleResult } from '../exampleRun.ts'
import { fateFigure } from './fateFigure.ts'
import { drawingsOf, figuresOf } from './figures.ts'
import { fillOf } from './palette.ts'
import { type GroupPicture, type PictureData, pictureDataOf } from './pictureData.ts'
import { messages, pictured } from './pictureScene.ts'

const data = pictureDataOf(pictured(400))
const evil = `<script>alert('x')</script>"`

/** Tags that are open at the end, or were closed out of turn. */
function unclosed(svg: string): string[] {
  const open: string[] = []
  for (const [, close, name, rest] of svg.matchAll(/<(\/?)([a-z]+)([^>]*)>/gi)) {
    if (close === '/') expect(open.pop()).toBe(name)
    else if (!rest?.endsWith('/')) open.push(name as string)
  }
  return open
}

describe('each figure', () => {
  const figures = [...figuresOf(data, 'light'), ...figuresOf(data, 'dark')]

  test('is there once in each theme, and is told in words', () => {
    const names = ['rates', 'latency', 'tails', 'fates', 'lanes', 'evenness']
    expect(figures.map(({ name }) => name)).toEqual([...names, ...names])
    for (const { title, summary } of figures) expect([title, summary]).not.toContain('')
    const [rates, , tails] = figures
    expect(rates?.summary).toContain('. F1 kill worker 1.')
    expect(rates?.svg).toContain('<title>F1 kill worker 1</title>')
    expect(tails?.summary).toContain('Response 2 ms')
  })

  test('stands alone, and asks for nothing', () => {
    for (const { svg, name } of figures) {
      expect(unclosed(svg), name).toEqual([])
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" /)
      expect(svg).not.toMatch(/NaN|undefined|Infinity|var\(|<script|\bon[a-z]+=|href|url\((?!#)/)
    }
  })

  test('refers to nothing that it does not define', () => {
    for (const { svg } of figures) {
      for (const [, id] of svg.matchAll(/url\(#([^)]+)\)/g)) expect(svg).toContain(`id="${id}"`)
      const used = [...svg.matchAll(/class="([^"]+)"/g)].flatMap(([, all]) => all?.split(' ') ?? [])
      for (const one of new Set(used)) expect(svg, one).toContain(`.${one}`)
    }
  })

  test('is the same each time', () => {
    expect(figuresOf(pictureDataOf(pictured(400)), 'light')).toEqual(figuresOf(data, 'light'))
  })

  test('has a line in another dash, and a name at its end, for each colour', () => {
    const [rates] = drawingsOf(data)
    for (const line of [
      's-in line solid',
      's-out line dashed',
      '>in (accepted)<',
      '>out (done)<',
    ]) {
      expect(rates?.body.text).toContain(line)
    }
  })

  test('of a run of nothing can be drawn', () => {
    const nothing = pictureDataOf(exampleResult({ history: { ledgers: {} } }))
    for (const { svg } of figuresOf(nothing, 'light')) {
      expect(svg).not.toMatch(/NaN|undefined|Infinity/)
      expect(unclosed(svg)).toEqual([])
    }
  })
})

test('a group whose name is markup stays text', () => {
  const { ledgers, ...rest } = messages(400)
  const ofGroup = Object.entries(ledgers ?? {}).map(([name, entries]) => [
    name.startsWith('worker') ? `${name} of ${evil}` : name,
    entries,
  ])
  const history = { ...rest, ledgers: Object.fromEntries(ofGroup) }
  const figures = figuresOf(pictureDataOf(exampleResult({ history })), 'light')
  expect(figures[0]?.title).toContain(evil)
  for (const { svg } of figures) {
    expect(svg).not.toContain('<script')
    expect(unclosed(svg)).toEqual([])
  }
})

test('one lost message among many in its piece of time is still seen', () => {
  const [group] = pictureDataOf(pictured(20_000, 1)).groups as [GroupPicture]
  expect(group.fates.totals).toMatchObject({ lost: 1, ok: 19_998 })
  const { body } = fateFigure(data, group)
  const [, path] = new RegExp(`fill="${literal(fillOf('lost'))}" d="([^"]+)"`).exec(body.text) ?? []
  const [, wide, tall] = /h([\d.]+)v([\d.]+)h/.exec(path ?? '') ?? []
  expect(Number(wide)).toBeGreaterThan(2)
  expect(Number(tall)).toBeGreaterThanOrEqual(7)
})

function literal(text: string): string {
  return text.replaceAll(/[()#]/g, '\\$&')
}

test('of a broadcast nothing is lost: it is missed', () => {
  const terms = { pattern: 'broadcast', delivery: 'at-most-once' } as const
  const { ledgers, ...rest } = messages(20)
  const all = { ...ledgers, 'worker 0.0': [] }
  const result = exampleResult({
    history: { ...rest, ledgers: all, terms },
    channel: { pattern: 'broadcast' },
  })
  const figures = figuresOf(pictureDataOf(result), 'light')
  const [strip] = figures.filter(({ name }) => name === 'fates')
  expect(strip?.svg).toContain('>✗ missed 20<')
  expect(strip?.svg).not.toContain('lost 2')
  expect(figures.find(({ name }) => name === 'lanes')?.svg).toContain('>0 done<')
})

test('a percentile that is longer than the run is named as such', () => {
  const { ledgers, ...rest } = messages(20)
  const nothing = { ...rest, ledgers: { ...ledgers, 'worker 0.0': [], 'worker 1.0': [] } }
  const figures = figuresOf(pictureDataOf(exampleResult({ history: nothing })), 'light')
  const latency = figures.find(({ name }) => name === 'latency')
  expect(latency?.svg).toContain('>p99: &gt; run<')
  expect(latency?.svg).toContain('>▲ 20 never delivered<')
})

test('a relay routes what workers do, and is measured by itself', () => {
  const { ledgers, events = [] } = messages(20)
  const routed = Array.from({ length: 20 }, (_, at) => ['routed', at, 1_003 + 10 * at] as const)
  const history = {
    ledgers: { ...ledgers, 'relay 0.0': routed },
    events: [['relay 0.0', 'READY', 900] as const, ...events],
  }
  const lanes = drawingsOf(pictureDataOf(exampleResult({ history }))).find(
    ({ name }) => name === 'lanes',
  )
  expect(lanes?.title).toBe('Relays and workers')
  expect(lanes?.body.text).toMatch(/>20 routed<[\s\S]*>19 done</)
})

test('numbers of faults that lie close together do not touch', () => {
  const bands = [100, 110, 120, 2_000].map((fromMs) => ({ what: 'kill', fromMs, toMs: fromMs + 5 }))
  const [rates] = drawingsOf({ ...data, bands })
  expect(rates?.summary).toContain('. 4 faults.')
  const numbers = [...(rates?.body.text ?? '').matchAll(/>(F\d)</g)].map(([, number]) => number)
  expect(numbers).toEqual(['F1', 'F4'])
  expect(rates?.body.text.match(/<rect class="f-band"/g)).toHaveLength(4)
})

test('what was uneven is said in a word, beside the band that chance allows', () => {
  const epoch = { fromNs: 0, toNs: 1, jain: 1, cv: 0, chi2P: 0, isSkipped: false }
  const evenness = [
    { ...epoch, workers: [0, 1], counts: [900, 100], maxOverMean: 1.8, isUneven: true },
    { ...epoch, workers: [0, 1], counts: [500, 500], maxOverMean: 1, isUneven: false },
  ]
  const [first] = data.groups as [GroupPicture]
  const uneven: PictureData = { ...data, groups: [{ ...first, evenness }] }
  const drawing = drawingsOf(uneven).find(({ name }) => name === 'evenness')
  expect(drawing?.summary).toContain('1 of them more uneven than chance allows')
  expect(drawing?.body.text).toMatch(/✗ uneven[\s\S]*✓ even/)
})
