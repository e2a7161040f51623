import { expect, test } from 'vitest'
import { fates } from './fates.ts'
import { type Colour, colourIn, colours, definitions, fateWord } from './palette.ts'

const texts: readonly Colour[] = [
  ...(['ink', 'muted', 'link', 'in', 'out', 'backlog', 'fault', 'lost'] as const),
  ...(['kept', 'broken', 'inconclusive'] as const),
]
const marks: readonly Colour[] = [...fates, 'in', 'out', 'backlog', 'fault', 'muted']

test.for(['light', 'dark'] as const)('%s: text keeps 4.5:1, marks keep 3:1', (theme) => {
  const colourOf = colourIn(theme)
  for (const ground of ['ground', 'card', 'band'] as const) {
    for (const text of texts) {
      expect(contrast(colourOf(text), colourOf(ground)), `${text} on ${ground}`).toBeGreaterThan(
        4.5,
      )
    }
  }
  for (const mark of marks) {
    expect(contrast(colourOf(mark), colourOf('ground')), mark).toBeGreaterThan(3)
  }
  expect(Object.keys(colours).length).toBeGreaterThan(texts.length)
})

test.for([true, false])('no two fates have the same icon, word or pattern', (isBroadcast) => {
  const words = fates.map((fate) => fateWord(fate, isBroadcast))
  expect(new Set(words.map(({ icon }) => icon)).size).toBe(fates.length)
  expect(new Set(words.map(({ word }) => word)).size).toBe(fates.length)
  const patterns = definitions.text.split('</pattern>').slice(0, -1)
  const drawn = patterns.map((one) => / d="[^"]*"/.exec(one)?.[0] ?? 'plain')
  expect(new Set(drawn).size).toBe(fates.length)
})

/** As WCAG 2.2 defines it. */
function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return ((lighter as number) + 0.05) / ((darker as number) + 0.05)
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
