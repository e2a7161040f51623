import { styleText } from 'node:util'

type Format = Parameters<typeof styleText>[0]
export type Paint = (format: Format, text: string) => string

/** How one stream looks: with colour or not, in Unicode or ASCII. */
export interface Look {
  readonly paint: Paint
  readonly ascii: boolean
  readonly ok: string
  readonly bad: string
  readonly warn: string
  readonly ellipsis: string
  /** A bar of `columns` characters, `share` of it full. */
  bar(share: number, columns: number): string
  /** One character per value, the highest at the top. */
  spark(values: readonly number[]): string
}

export interface LookWish {
  readonly noColor: boolean
  readonly ascii: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly isTerminal: boolean
}

/** Decided here and not by Node, which prints a warning when both variables are set. */
export function isColoured({ noColor, env, isTerminal }: LookWish): boolean {
  if (noColor || env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return isTerminal && env.TERM !== 'dumb'
}

export function makeLook(wish: LookWish): Look {
  const { ascii } = wish
  const steps = ascii ? '0123456789' : '▁▂▃▄▅▆▇█'
  const [full, empty] = ascii ? ['#', '.'] : ['█', '░']
  return {
    paint: isColoured(wish)
      ? (format, text) => styleText(format, text, { validateStream: false })
      : (_format, text) => text,
    ascii,
    ok: ascii ? 'ok' : '✓',
    bad: ascii ? 'BAD' : '✗',
    warn: ascii ? 'warn' : '!',
    ellipsis: ascii ? '...' : '…',
    bar(share, columns) {
      const filled = Math.round(Math.min(1, Math.max(0, share)) * columns)
      return full.repeat(filled) + empty.repeat(columns - filled)
    },
    spark(values) {
      const top = Math.max(...values, 0)
      return values
        .map((value) => steps[top === 0 ? 0 : Math.round((value / top) * (steps.length - 1))])
        .join('')
    },
  }
}
