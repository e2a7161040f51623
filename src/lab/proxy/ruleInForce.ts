import { drawFrom } from '../draw.ts'
import { delayed, limited, type Pace, sliced, unhindered } from './pace.ts'
import type { Direction, LastingRule } from './rule.ts'

/** A rule at work at one port. Its draws and its limits are shared by all connections there. */
export interface RuleInForce {
  /** New connections are reset. */
  readonly refuses: boolean
  readonly isHeld: Readonly<Record<Direction, boolean>>
  readonly pace: Readonly<Record<Direction, Pace>>
  /** Asked once for each chunk that went up. */
  losesAnswer(): boolean
  readonly answersLost: number
}

const free: RuleInForce = {
  refuses: false,
  isHeld: { up: false, down: false },
  pace: { up: unhindered, down: unhindered },
  losesAnswer: () => false,
  answersLost: 0,
}

/** Null: no rule. */
export function inForce(rule: LastingRule | null): RuleInForce {
  switch (rule?.kind) {
    case undefined:
      return free
    case 'hold':
      return { ...free, isHeld: { up: true, down: true } }
    case 'half':
      return { ...free, isHeld: { up: rule.held === 'up', down: rule.held === 'down' } }
    case 'refuse':
      return { ...free, refuses: true }
    case 'lostAck': {
      const draw = drawFrom(rule.seed, 'lost-ack')
      let [count, lost] = [0, 0]
      const losesAnswer = () => {
        const isLost = draw(count++) < rule.p
        if (isLost) lost++
        return isLost
      }
      return {
        ...{ ...free, losesAnswer },
        get answersLost() {
          return lost
        },
      }
    }
    case 'delay': {
      const { ms, jitterMs, seed } = rule
      return { ...free, pace: eachWay((way) => delayed(ms, jitterMs, seed, `delay-${way}`)) }
    }
    case 'rate':
      return { ...free, pace: eachWay(() => limited(rule.bytesPerSecond)) }
    case 'slice':
      return { ...free, pace: eachWay(() => sliced(rule.bytes)) }
  }
}

function eachWay(pace: (way: Direction) => Pace): RuleInForce['pace'] {
  return { up: pace('up'), down: pace('down') }
}
