import type { Snapshot } from './snapshot.ts'

const valuesMax = 200

/** What the graphs show: one value per look, the newest last. */
export class History {
  readonly in: number[] = []
  readonly out: number[] = []
  readonly waiting: number[] = []
  readonly p95: number[] = []

  take({ inPerS, outPerS, waiting, p95Ms }: Snapshot): void {
    push(this.in, inPerS)
    push(this.out, outPerS)
    push(this.waiting, waiting)
    push(this.p95, p95Ms)
  }
}

function push(values: number[], value: number | null): void {
  if (value === null) return
  values.push(value)
  values.splice(0, values.length - valuesMax)
}
